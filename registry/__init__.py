"""What is remembered of every project and model, and the acts on it. Never imports mlapi.

`queue` and `engine` name it by dotted names only. From the top: admin and management, api,
permissions, reports and acts beside each other, models.
"""
