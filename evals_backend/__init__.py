"""The Django project: settings from the environment, urls, wsgi, embedded PostgreSQL."""

__version__ = "0.1.0"
