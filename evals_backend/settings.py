"""Settings, from the environment only.

A test compares the names and defaults with the table in docs/settings.md.
"""

import logging
import os
import secrets
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

from evals_backend import __version__, embedded_postgres, logs
from evals_backend.environment import Environment
from mlapi.media.allowlist import AllowedHosts

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()


def _stored_secret(path: Path) -> str:
    """The secret in `path`, generated on first use; concurrent processes get the same one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        with open(draft, "x", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
            f.write(secrets.token_urlsafe(50))
        with suppress(FileExistsError):
            os.link(draft, path)  # whole or not at all, and never over another's
        draft.unlink()
    return path.read_text().strip()


def _own_names() -> list[str]:
    """The host names and IP addresses of this machine."""
    name = socket.gethostname()
    try:
        addresses = {str(info[4][0]).split("%")[0] for info in socket.getaddrinfo(name, None)}
    except OSError:
        addresses = set()
    return sorted({name, socket.getfqdn(), *(f"[{a}]" if ":" in a else a for a in addresses)})


# Where things are
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=9090)
PUBLIC_URL = env.str("PUBLIC_URL").rstrip("/")
_public = urlsplit(PUBLIC_URL)
# The path of a proxy in front: links have it, whether the proxy cuts it off or keeps it.
FORCE_SCRIPT_NAME = _public.path or None

# Django
VERSION = __version__
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or _stored_secret(DATA_DIR / "secret-key")
# The first encrypts, all decrypt: a key is replaced by putting a new one before it.
ENCRYPTION_KEYS = [k.strip() for k in env.str("ENCRYPTION_KEYS").split(",") if k.strip()] or [
    SECRET_KEY
]
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=[
        *("localhost", "127.0.0.1", "[::1]", "host.docker.internal"),
        *_own_names(),
        *filter(None, [_public.hostname]),
    ],
)
CSRF_TRUSTED_ORIGINS = env.list(
    "CSRF_TRUSTED_ORIGINS",
    default=[f"{_public.scheme}://{_public.netloc}"] if PUBLIC_URL else [],
)
# A TLS proxy in front sets X-Forwarded-Proto, and removes it from incoming requests.
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
LOG_FORMAT = env.str("LOG_FORMAT", default="auto").lower()
if LOG_FORMAT not in {"auto", "json", "console"}:
    raise ImproperlyConfigured("LOG_FORMAT is auto, json or console.")

# Access
BASIC_AUTH_USER = env.str("BASIC_AUTH_USER", default="")
BASIC_AUTH_PASS = env.str("BASIC_AUTH_PASS", default="")
if bool(BASIC_AUTH_USER) != bool(BASIC_AUTH_PASS):
    raise ImproperlyConfigured("Set both BASIC_AUTH_USER and BASIC_AUTH_PASS, or neither.")
ALLOW_ANONYMOUS = env.bool("ALLOW_ANONYMOUS", default=False)
MAX_REQUEST_MB = env.int("MAX_REQUEST_MB", default=64)

# Label Studio
LABEL_STUDIO_URL = env.str("LABEL_STUDIO_URL", default="").rstrip("/")
LABEL_STUDIO_API_KEY = env.str("LABEL_STUDIO_API_KEY", default="")
LABEL_STUDIO_HOSTS = env.list("LABEL_STUDIO_HOSTS", default=[])

# MLflow, where champions are registered
MLFLOW_TRACKING_URI = env.str("MLFLOW_TRACKING_URI", default="").rstrip("/")
MLFLOW_TRACKING_TOKEN = env.str("MLFLOW_TRACKING_TOKEN", default="")
MLFLOW_TRACKING_USERNAME = env.str("MLFLOW_TRACKING_USERNAME", default="")
MLFLOW_TRACKING_PASSWORD = env.str("MLFLOW_TRACKING_PASSWORD", default="")

# Servers that are called: Label Studio, and hosts of media
SSL_CERT_FILE = env.str("SSL_CERT_FILE", default="")
try:
    if SSL_CERT_FILE:
        ssl.create_default_context(cafile=SSL_CERT_FILE)
except OSError as error:  # also what ssl raises for a file without a certificate
    raise ImproperlyConfigured(f"SSL_CERT_FILE: {SSL_CERT_FILE} is no PEM file: {error}") from error

# Media
MEDIA_ALLOWED_HOSTS = env.list("MEDIA_ALLOWED_HOSTS", default=[])
try:
    AllowedHosts(MEDIA_ALLOWED_HOSTS)
except ValueError as error:
    raise ImproperlyConfigured(f"MEDIA_ALLOWED_HOSTS: {error}.") from error
MEDIA_MAX_MB = env.int("MEDIA_MAX_MB", default=64)
MEDIA_TIMEOUT_S = env.int("MEDIA_TIMEOUT_S", default=30)
MEDIA_CACHE_MB = env.int("MEDIA_CACHE_MB", default=2048)

# Webhooks that are sent
WEBHOOK_ALLOWED_HOSTS = env.list("WEBHOOK_ALLOWED_HOSTS", default=[])
try:
    AllowedHosts(WEBHOOK_ALLOWED_HOSTS)
except ValueError as error:
    raise ImproperlyConfigured(f"WEBHOOK_ALLOWED_HOSTS: {error}.") from error

# Learning
LABEL_NEXT_AT_RANDOM = env.float("LABEL_NEXT_AT_RANDOM", default=0.1)
TRAIN_TIME_BUDGET_S = env.int("TRAIN_TIME_BUDGET_S", default=60)
TRAIN_TIME_LIMIT_S = env.int("TRAIN_TIME_LIMIT_S", default=1800)
TRAIN_MEMORY_LIMIT_MB = env.int("TRAIN_MEMORY_LIMIT_MB", default=8192)
TRAIN_WORKERS = env.int("TRAIN_WORKERS", default=1)
MODEL_CACHE_MB = env.int("MODEL_CACHE_MB", default=1024)
MODELS_DIR = env.str("MODELS_DIR", default="")
ACCEPT_AGPL = env.bool("ACCEPT_AGPL", default=False)  # of the engine yolo

# Processes
# As many as cores; at most six by themselves, for the database's connections.
WEB_WORKERS = env.int("WEB_WORKERS", default=0) or min(len(os.sched_getaffinity(0)), 6)
WEB_THREADS = env.int("WEB_THREADS", default=4)
PREDICT_QUEUE = env.int("PREDICT_QUEUE", default=32)
EVENT_WORKERS = env.int("EVENT_WORKERS", default=2)

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    # evals_backend.urls registers its pages: what imports no URL is spared them.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "rest_framework",
    "evals_backend",  # its commands, one of them in place of authtoken's
    "rest_framework.authtoken",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",  # the docs' assets, served from here
    "django_q",
    "django_structlog",
    "registry",
    "mlapi",
]
MIDDLEWARE = [
    "evals_backend.addresses.BasePathMiddleware",
    "mlapi.middleware.AccessKeyMiddleware",  # before what logs, so that nothing else sees the key
    "mlapi.request_cycle.ProtocolMiddleware",  # answers Label Studio's routes: none of what follows
    "django_structlog.middlewares.RequestMiddleware",
    "evals_backend.addresses.AllowedHostsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "evals_backend.admin_guard.AdminGuardMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "evals_backend.urls"
WSGI_APPLICATION = "evals_backend.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "registry" / "unfold_templates"],  # in place of unfold's own
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASE_URL = env.str("DATABASE_URL") or embedded_postgres.url(DATA_DIR)
# One connection per thread of the web server's lanes (evals_backend/web/site.py), and one that
# listens for changes: with the defaults 12 for each web process, and two for each worker, below
# PostgreSQL's default of 100. Threads are permanent, so connections are too.
DATABASES = {
    "default": {
        **env.db_url_config(DATABASE_URL),
        "ENGINE": "registry.postgresql",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = f"{_public.path}/static/"
STATIC_ROOT = DATA_DIR / "static"
APPEND_SLASH = False  # a redirect would lose the body of Label Studio's POST
# Not `no-referrer`: browsers then post forms with `Origin: null`, and nobody could log in. Answers
# to paths with an access key set `no-referrer` themselves (AccessKeyMiddleware).
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_REQUEST_MB * 1024 * 1024
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "files"},
    },
    "artifacts": {
        "BACKEND": env.str(
            "ARTIFACTS_BACKEND", default="django.core.files.storage.FileSystemStorage"
        ),
        "OPTIONS": env.json("ARTIFACTS_OPTIONS", default={"location": str(DATA_DIR / "artifacts")}),
    },
    "staticfiles": {"BACKEND": "evals_backend.static_files.CompressedOnceStorage"},
}

# For /api/; the views of Label Studio's routes override each of these.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "registry.token_authentication.HashedTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["registry.json_http.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "registry.api.schema.RegistrySchema",
    "EXCEPTION_HANDLER": "registry.api.errors.handle",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "evals-backend",
    "DESCRIPTION": "The record of every model: projects, versions, runs, metrics, outcomes, "
    "events and audit entries, to be read; and the actions, to be done with a reason.",
    "VERSION": VERSION,
    "SCHEMA_PATH_PREFIX": "/api/",
    # In the order in which the page shows them.
    "TAGS": [
        {"name": name}
        for name in (
            *("projects", "versions", "runs", "tasks", "outcomes", "metrics"),
            *("events", "audit-entries", "access-keys", "webhooks", "webhook-deliveries"),
        )
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "ENUM_NAME_OVERRIDES": {
        "EventSource": "registry.api.records.EVENT_SOURCES",
        "EventStatus": "registry.models.event.EventStatus.choices",
        "OutcomeSource": "registry.api.records.OUTCOME_SOURCES",
        "RunKind": "registry.models.run.RunKind.choices",
        "RunState": "registry.models.run.RunState.choices",
        "VersionState": "registry.models.version.VersionState.choices",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

LOGGING = logs.configure(LOG_LEVEL, LOG_FORMAT)
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG  # one line a request: its end
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True  # as Label Studio's routes do
DJANGO_STRUCTLOG_USER_ID_FIELD = None  # it would read the session in every request

LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
UNFOLD = {
    "SITE_TITLE": "evals-backend",
    "SITE_HEADER": "evals-backend",
    "SITE_SUBHEADER": "Models and their history",
    "SITE_SYMBOL": "model_training",
    "SITE_URL": None,
    "SHOW_HISTORY": False,  # the audit trail is the history
    "DASHBOARD_CALLBACK": "registry.admin.home.context",
    "SIDEBAR": {"navigation": "registry.admin.navigation.groups"},
    "STYLES": [
        lambda request: static("registry/charts.css"),
        lambda request: static("registry/pages.css"),
        lambda request: static("registry/unfold.css"),
    ],
    "SCRIPTS": [
        lambda request: static("registry/pages.js"),
    ],
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("registry/favicon.svg"),
        }
    ],
}

# The implementation of registry.engine.Engine, by dotted name: registry never imports mlapi.
REGISTRY_ENGINE = "mlapi.engine.Engine"

# django-q only wakes a worker; rows are the truth. The training cluster's limits are above those of
# the longest run, because the job itself ends a run at its limit, and records why.
_LONGEST_JOB_S = 3 * TRAIN_TIME_LIMIT_S + 600
Q_CLUSTER = {
    "name": "events",
    "orm": "default",
    "broker_class": "registry.queue_broker.NotifiedORM",
    "poll": 0,  # the broker waits
    "workers": EVENT_WORKERS,
    "timeout": 3600,  # the first sync of 100,000 labelled tasks takes a quarter of it
    "retry": 3660,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": 100,
    "catch_up": False,
    "daemonize_workers": False,  # a daemonic worker may not have child processes, and training has
    "label": "Jobs",
    "log_level": "WARNING",
    "ALT_CLUSTERS": {
        "training": {
            "workers": TRAIN_WORKERS,
            "timeout": _LONGEST_JOB_S,
            "retry": _LONGEST_JOB_S + 60,
        }
    },
}
