"""The one door for every change: each action locks what it changes and is recorded with it.

The modules here are the writers, for Label Studio's events, workers and people alike. `operator`
stands on them: what people can ask for, with its permission, check and words.
Imports models, promotion, splits, artifacts, formatting and the doors to mlapi; no report.
"""
