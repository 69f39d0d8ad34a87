"""What a version gives away: a folder that predicts without this backend, and its dataset.

`sources` is the code that is copied, `mlmodel` what MLflow reads, `folder` puts both together.
Imports served_config, served_names, pipelines and the registry. Imported by the engine and by
commands.
"""
