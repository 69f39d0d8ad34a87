"""What is imported before processes are forked, so that they share its memory and start at once.

The warm parent has one thread, no database connection and no socket but the listener, and never
runs a parallel region: a fork has none of its parent's threads, but all of their locks.
"""

import ctypes
import gc
import importlib
import os
from contextlib import suppress

from django.conf import settings

from evals_backend import heap_gaps, lean_imports

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
# drf-spectacular imports it for a request that it makes up, EvaDB for the message of an error,
# pandas for files that nobody reads.
_FOR_ONE_FUNCTION = (
    "rest_framework.test",
    "thefuzz.process",
    "pandas.io.clipboards",
    "pandas.io.excel",
    "pandas.io.feather_format",
    "pandas.io.html",
    "pandas.io.orc",
    "pandas.io.parquet",
    "pandas.io.pytables",
    "pandas.io.sas",
    "pandas.io.spss",
    "pandas.io.sql",
    "pandas.io.stata",
    "pandas.io.xml",
    "pandas.testing",
)


_M_ARENA_MAX = -8  # <malloc.h>


def limit_threads() -> None:
    """Before anything is imported that computes. Setting another number is still possible.

    Threads share two arenas of memory: of its own each would keep what its largest request took.
    """
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def import_libraries() -> None:
    """Import libraries without the tracebacks in colours and the command line that they offer."""
    with lean_imports.absent("rich", "click"):
        for module in ("structlog", "httpx"):
            importlib.import_module(module)


def import_code(*, web: bool, trains: bool = False) -> None:
    """Import the product and EvaDB, and keep the collector off what was imported.

    The collector takes a quarter of the imports' time, and in a fork it would touch every object
    and with it copy its memory. What trains has EvaDB used once here, before the forks: 35 MB that
    each would have to itself.
    """
    gc.disable()
    # Only their modules: WhiteNoise looks at the files when its middleware is made.
    middleware = [name.rpartition(".")[0] for name in settings.MIDDLEWARE]
    with (
        lean_imports.deferred(*_FOR_ONE_FUNCTION),
        lean_imports.absent("pygments", "requests"),  # REST framework's: colours, and a test client
        lean_imports.absent("regex"),  # Lark's, for grammars with classes of Unicode
        lean_imports.part("sqlalchemy_utils", "functions"),  # EvaDB's; the others are of types
        lean_imports.numpy_as_imported(),  # which SciPy copies
    ):
        from mlapi import free_memory, model_cache

        for module in (*_EVERY_PROCESS, *((*_WEB, *middleware) if web else ())):
            importlib.import_module(module)
        model_cache.import_engine()
        if trains:
            _prepare_trainings()
    free_memory.give_back()
    heap_gaps.fill()
    gc.freeze()
    gc.enable()


def _prepare_trainings() -> None:
    import structlog

    from mlapi.training import warm_process

    try:
        warm_process.prepare()
    except Exception:  # noqa: BLE001 - such as a full disk; the warm process tries again
        structlog.get_logger(__name__).exception("trainings_not_prepared")
