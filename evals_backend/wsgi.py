"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evals_backend.settings")
_django = get_wsgi_application()

from evals_backend.health_layer import HealthLayer  # noqa: E402 - needs the apps
from mlapi import model_cache, registry_cache  # noqa: E402

application = HealthLayer(_django)
model_cache.warm_up()
registry_cache.CACHE.listener.start()
