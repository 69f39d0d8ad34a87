"""What is remembered of every project and model, and the acts on it. Never imports mlapi."""
