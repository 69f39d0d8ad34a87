"""A version outside of the backend: an export has this package and what it imports, as source.

`model` predicts, `mlflow_model` is MLflow's entry, and there is a module for each pipeline, which
is imported for versions that have it. Imports pipelines and what is below them that needs no
database, no EvaDB and no Django; `mlapi.exports` copies it.
"""
