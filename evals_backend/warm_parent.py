"""What is imported before processes are forked, so that they share its memory and start at once.

The warm parent has one thread, no database connection and no socket but the listener, and never
runs a parallel region: a fork has none of its parent's threads, but all of their locks.
"""

import ctypes
import gc
import importlib
import os
from contextlib import suppress

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

# Libraries start threads when they are loaded, unless these variables set their number to one.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_EVERY_PROCESS = (
    "django_q.worker",
    "mlapi.jobs.cluster",
    "mlapi.mirror.process_events",
    "mlapi.mirror.sync",
    "mlapi.training.policy",
)
_WEB = ("evals_backend.urls", "evals_backend.web.process", "django.core.handlers.wsgi")


_M_ARENA_MAX = -8  # <malloc.h>


def limit_threads() -> None:
    """Before anything is imported that computes. Setting another number is still possible.

    Threads share two arenas of memory: of its own each would keep what its largest request took.
    """
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def import_code(*, web: bool, trains: bool = False) -> None:
    """Import the product and EvaDB, and keep the collector off what was imported.

    What trains has EvaDB used once here, before the forks: 35 MB that each would have to itself.

    It takes a quarter of the imports' time, and in a fork it would touch every object and with it
    copy its memory.
    """
    gc.disable()
    from mlapi import model_cache

    # Only their modules: WhiteNoise looks at the files when its middleware is made.
    middleware = [name.rpartition(".")[0] for name in settings.MIDDLEWARE]
    for module in (*_EVERY_PROCESS, *((*_WEB, *middleware) if web else ())):
        importlib.import_module(module)
    model_cache.import_engine()
    if trains:
        _prepare_trainings()
    gc.freeze()
    gc.enable()


def _prepare_trainings() -> None:
    from mlapi.training import warm_process

    try:
        warm_process.prepare()
    except Exception:  # such as a full disk; the warm process of trainings tries again
        log.exception("trainings_not_prepared")
