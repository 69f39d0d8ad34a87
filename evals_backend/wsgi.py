"""The WSGI application: Django behind the health layer."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evals_backend.settings")
_django = get_wsgi_application()

from evals_backend.health_layer import HealthLayer  # noqa: E402 - needs the apps

application = HealthLayer(_django)
