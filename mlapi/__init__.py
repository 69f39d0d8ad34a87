"""What Label Studio talks to, and the engine behind it."""
