"""What is remembered of every project and model, and the acts that change it. Never imports mlapi."""
