"""What the benchmarks share: subjects, load, processes, statistics and tables.

Imports nothing of the product: a backend is started, fed and asked over HTTP, by `manage.py` and
by SQL on its own database.
"""
