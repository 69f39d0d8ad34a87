"""The `manage.py` commands about how the backend is served: its URLs and its processes."""
