"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evals_backend.settings")
application = get_wsgi_application()

from mlapi import model_cache  # noqa: E402 - needs the apps

model_cache.warm_up()
