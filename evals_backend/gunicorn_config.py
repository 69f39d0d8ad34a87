"""gunicorn's configuration; `gunicorn -c python:evals_backend.gunicorn_config`."""

import logging.config
from pathlib import Path

from django.conf import settings
from gunicorn.glogging import Logger as GunicornLogger

wsgi_app = "evals_backend.wsgi:application"
bind = [f"{f'[{settings.HOST}]' if ':' in settings.HOST else settings.HOST}:{settings.PORT}"]
worker_class = "gthread"
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
preload_app = False  # each worker makes its own connections and loads its own models
keepalive = 5
graceful_timeout = 5  # Ctrl-C takes no longer; Label Studio repeats its requests
timeout = 120  # of a worker's heartbeat, not of a request, which may take longer
if Path("/dev/shm").is_dir():  # noqa: S108 - a full disk would look like a dead worker
    worker_tmp_dir = "/dev/shm"  # noqa: S108
accesslog = None  # it would log raw paths, and so access keys; the middleware logs requests
control_socket_disable = True
loglevel = "warning"


class Logger(GunicornLogger):
    """Routes gunicorn's messages into our logging, which removes access keys."""

    def setup(self, cfg) -> None:
        """Replace gunicorn's handlers by ours, before the workers start."""
        self.cfg = cfg
        self._access_log_enabled = False
        self.loglevel = self.LOG_LEVELS[cfg.loglevel]
        logging.config.dictConfig(settings.LOGGING)
        self.error_log.setLevel(self.loglevel)
        self.error_log.propagate = True


logger_class = Logger
