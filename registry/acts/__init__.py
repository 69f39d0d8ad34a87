"""The one door for every change: each act locks what it changes and is recorded with it.

Imports models, promotion, splits, artifacts and the doors to mlapi. Never imports reports.
"""
