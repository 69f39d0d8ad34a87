"""Keeps the registry's tasks as Label Studio has them: events, syncs, checks of the connection.

Imports serving, pipelines and labelstudio. Training, upkeep, the jobs and the commands import it.
"""
