"""Metrics of predictions beside their labels, as pure functions. Imports nothing of mlapi."""
