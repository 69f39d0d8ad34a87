"""The Django project: settings from the environment, urls, wsgi, embedded PostgreSQL.

The top of the three packages: it imports mlapi and registry, and neither imports it.
"""

__version__ = "0.1.0"
