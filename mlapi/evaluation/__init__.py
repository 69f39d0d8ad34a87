"""Evaluation of versions: metrics of predictions beside labels, and the comparison of two.

`evaluate` takes a version through the holdout and the champion beside it, for every pipeline;
`comparison` and `joined` are pure functions over the parts of a version. Imports eva, label_types
and run_folder. Imported by pipelines and training.
"""
