"""The `manage.py` commands on the record. They import acts, reports and models."""
