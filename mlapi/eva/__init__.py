"""The only place that imports EvaDB: directories, tables, statements, functions online.

A pipeline's own functions lie with the pipeline, on the base classes of `functions`. Imports
no pipeline.
"""
