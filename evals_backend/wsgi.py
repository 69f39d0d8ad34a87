"""The WSGI application: Django behind the health layer."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evals_backend.settings")
_django = get_wsgi_application()

from django.conf import settings  # noqa: E402 - these need the apps
from django.core.cache import close_caches  # noqa: E402
from django.core.signals import request_finished, request_started  # noqa: E402
from django.db import reset_queries  # noqa: E402

from evals_backend.health_layer import HealthLayer  # noqa: E402

# Both run for each request, and do nothing here: the cache is in this process's memory, and
# without DEBUG no queries are recorded.
request_finished.disconnect(close_caches)
if not settings.DEBUG:
    request_started.disconnect(reset_queries)

application = HealthLayer(_django)
