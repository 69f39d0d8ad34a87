"""The `manage.py` commands that touch Label Studio or models. The top layer of mlapi."""
