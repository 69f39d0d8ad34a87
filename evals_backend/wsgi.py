"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evals_backend.settings")
application = get_wsgi_application()

from mlapi import loading  # noqa: E402 - needs the apps

loading.warm_up()
