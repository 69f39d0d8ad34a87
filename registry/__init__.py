"""The registry of projects, models and the actions on them. Never imports mlapi.

`queue` and `engine` name it by dotted names only. From the top: admin and management, api,
permissions, operator actions, reports, the actions' writers, models.
"""
