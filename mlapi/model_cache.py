"""The cache of this process's loaded versions: each is verified and loaded once."""

import importlib
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import structlog
from django.conf import settings

from mlapi import free_memory, pipelines
from mlapi.pipelines import artifact, version_predictor
from mlapi.pipelines.artifact import ArtifactFormatOld
from mlapi.pipelines.part_names import pipeline_of
from mlapi.pipelines.version_predictor import VersionPredictor
from registry import artifacts, queue
from registry.errors import EvalsError
from registry.models import ModelVersion

log = structlog.get_logger(__name__)
FAILURE_CACHED_S = 30
# EvaDB's modules import each other in circles: two threads that enter them at once deadlock or
# see half a module, so one thread at a time imports them, and the others wait for it.
_importing = threading.Lock()
_EVERY_PREDICTION_NEEDS = (
    "mlapi.eva.online",
    "mlapi.pipelines.classification.function",
    "mlapi.pipelines.classification.predictor",
)


class ModelUnavailable(EvalsError):
    """The version could not be fetched, verified or loaded in this process."""

    code = "model_unavailable"


class ModelFormatOld(ArtifactFormatOld, ModelUnavailable):
    """The version's artifact has an old format and was not converted yet."""


@dataclass
class _Failure:
    error: ModelUnavailable
    until: float
    is_reported: bool = False


# Shared by all threads of the process. `_state` guards the dicts and is never held while
# something is loaded; a version's own lock is, so that it is loaded once.
_state = threading.Lock()
_loaded: OrderedDict[int, VersionPredictor] = OrderedDict()
_loading: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
_failures: dict[int, _Failure] = {}


def load(version: ModelVersion) -> VersionPredictor:
    """The version's predictor, loaded once per process; its artifact is verified before it is read.

    Raises ModelUnavailable; for half a minute after a failure without trying again.
    """
    with _state:
        predictor = _cached(version)
        lock = _loading[version.pk]
    if predictor is not None:
        return predictor
    with lock:
        with _state:
            predictor = _cached(version)
        return _load(version) if predictor is None else predictor


def cached(version: ModelVersion) -> VersionPredictor | None:
    """The version's predictor if it is in the cache, else None; raises nothing."""
    with _state, suppress(ModelUnavailable):
        return _cached(version)
    return None


def predictor_for(version: ModelVersion) -> VersionPredictor:
    """As `load`, for a version that serves: a failure queues a job that mends it, once.

    The job is `fall_back`; for an artifact of an old format, which earlier versions have as
    well, it is `convert`.
    """
    try:
        return load(version)
    except ModelUnavailable as e:
        with _state:
            failure = _failures.get(version.pk)
            reported = failure is None or failure.is_reported
            if failure is not None:
                failure.is_reported = True
        if not reported and isinstance(e, ModelFormatOld):
            queue.convert(version.pk)
        elif not reported:
            queue.fall_back(version.project_id, version.pk, e.message)
        raise


def clear() -> None:
    """Drops every loaded version and every cached failure."""
    with _state:
        _loaded.clear()
        _failures.clear()


def import_engine(modules: Sequence[str] = ()) -> None:
    """Import what every prediction of texts needs, and these modules.

    EvaDB's imports take seconds, so it is done before a process serves. The modules for images take
    100 MB more, which a server of texts never needs: they are imported when a version needs
    them.
    """
    usual = [p.modules for p in pipelines.PIPELINES.values() if p.input.in_data]
    with _importing:
        for module in (*_EVERY_PREDICTION_NEEDS, *(m for ms in usual for m in ms), *modules):
            importlib.import_module(module)


def _cached(version: ModelVersion) -> VersionPredictor | None:
    """The loaded version; needs `_state`. Raises ModelUnavailable while a failure is cached."""
    failure = _failures.get(version.pk)
    if failure and failure.until > monotonic():
        raise type(failure.error)(failure.error.message)
    predictor = _loaded.get(version.pk)
    if predictor is not None:
        _loaded.move_to_end(version.pk)
    return predictor


def _load(version: ModelVersion) -> VersionPredictor:
    try:
        content = artifacts.read(version)
        parts = artifact.split(content)
        needed = [p for p in pipelines.PIPELINES.values() if p.name in map(pipeline_of, parts)]
        import_engine([module for pipeline in needed for module in pipeline.modules])
        predictor = version_predictor.load(parts)
    except Exception as e:  # noqa: BLE001 - an artifact may fail in any way, and then may not serve
        log.exception("version_does_not_load", version=version.label, project=version.project_id)
        kind = ModelFormatOld if isinstance(e, ArtifactFormatOld) else ModelUnavailable
        error = kind(f"{version.label} does not load: {type(e).__name__}: {e}")
        with _state:
            _failures[version.pk] = _Failure(error, monotonic() + FAILURE_CACHED_S)
        raise error from e
    with _state:
        _failures.pop(version.pk, None)
        _loaded[version.pk] = predictor
        _evict()
    free_memory.give_back()  # the artifact, and what it was read with
    return predictor


def _evict() -> None:
    """Evicts the least recently used; the newest stays, however large, because it is in use."""
    limit = settings.MODEL_CACHE_MB * 1024 * 1024
    while len(_loaded) > 1 and sum(p.nbytes for p in _loaded.values()) > limit:
        _loaded.popitem(last=False)
