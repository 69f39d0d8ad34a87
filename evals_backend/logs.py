"""Logging of every process: one line per record, with its request id, to stderr."""

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

# The key's own middleware takes it out of the path; this is for what runs before or beside it:
# the web server's errors, tracebacks, and whatever a library prints.
_ACCESS_KEY = re.compile(r"(/k/)[A-Za-z0-9_~%-]+")
# A key elsewhere in a URL (`/k<key>`, `?key=<key>`, escaped twice) is recognized by its form.
_LIKE_A_KEY = re.compile(r"[a-z2-7]{32,}", re.IGNORECASE)

# The logger of the lines of Label Studio's routes (`mlapi.request_cycle`).
REQUESTS = "mlapi.requests.finished"


def without_key(text: str) -> str:
    """`text` with each access key replaced by `***`."""
    return _LIKE_A_KEY.sub("***", _ACCESS_KEY.sub(r"\1***", text))


def _mask_keys(_logger: Any, _method: str, event: Any) -> Any:
    for field, value in event.items():
        if isinstance(value, str):
            event[field] = without_key(value)
    return event


class JSONLine(structlog.stdlib.ProcessorFormatter):
    """Formats records as JSON; those of answered requests without structlog's processors.

    Each request writes such a record, which takes 10 us here instead of 150.
    """

    def format(self, record: logging.LogRecord) -> str:
        if record.name != REQUESTS:
            return super().format(record)
        fields = vars(record)
        line = {
            "code": fields["code"],
            "request": without_key(fields["request"]),
            "request_id": without_key(fields["request_id"]),
            "ip": fields["ip"],
            "event": record.msg,
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC),
        }
        return orjson.dumps(line, option=orjson.OPT_UTC_Z).decode()


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def configure(level: str, form: str) -> dict[str, Any]:
    """Configure structlog, and return Django's LOGGING for the same output.

    `form` is "json" (one object per line), "console", or "auto": console on a terminal, else JSON.
    """
    if form == "auto":
        form = "console" if sys.stderr.isatty() else "json"
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": _formatter(is_console=form == "console")},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Its own handler would print to a console, and mail errors to admins that we have not.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            # Every failure to answer is logged once already, with its request id.
            "django.request": {"level": "CRITICAL"},
            "django-q": {"level": "WARNING"},
            "evadb": {"level": "WARNING"},
            "matplotlib": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
        },
    }


def _formatter(*, is_console: bool) -> dict[str, Any]:
    # The traceback becomes text before keys are removed, so that those in it are removed too.
    processors: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _mask_keys,
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if is_console
        else structlog.processors.JSONRenderer(),
    ]
    return {
        "()": structlog.stdlib.ProcessorFormatter if is_console else JSONLine,
        "processors": processors,
        "foreign_pre_chain": _SHARED,
    }
