"""Keeps the registry's tasks as Label Studio has them: events, syncs, checks of the connection.

`process_events` and `sync` are the ways in; both write through `apply_changes` and
`unit_of_work`. Imports loading (the champion predicts before it sees a label), served_config,
pipelines, images and labelstudio. Imported by training, engine, jobs and commands.
"""
