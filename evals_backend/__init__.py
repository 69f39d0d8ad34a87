"""The Django project: settings from the environment, URLs, WSGI, embedded PostgreSQL."""

__version__ = "0.1.0"
