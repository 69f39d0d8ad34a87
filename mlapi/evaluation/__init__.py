"""Evaluation of versions: metrics of predictions beside labels, and the comparison of two.

`evaluate` takes a version through the holdout and the champion beside it, for every pipeline;
`classification` and `comparison` are pure functions. Imports eva and run_folder. Imported by the
pipelines.
"""
