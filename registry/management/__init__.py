"""The `manage.py` commands on the record. They import actions, reports and models."""
