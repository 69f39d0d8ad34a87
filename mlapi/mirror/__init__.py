"""The mirror of Label Studio's tasks in the registry: events, syncs, checks of the connection.

`process_events` and `sync` are the entry points; both write through `apply_changes` and
`unit_of_work`. Imports model_cache (for prequential predictions), served_config, pipelines, images
and labelstudio. Imported by training, engine, jobs and commands.
"""
