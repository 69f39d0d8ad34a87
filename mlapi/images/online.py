"""Feature vectors and pixels for predictions: stored vectors, and images downloaded now."""

import threading
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import structlog
from django.conf import settings
from more_itertools import chunked

from mlapi.domain import InputError, TargetSpec
from mlapi.images.feature_store import FeatureStore, StoredFeature, named_in
from mlapi.images.features import ExtractorRef, InputSource, SizedImage
from mlapi.media.reader import Fetched, MediaReader
from registry.errors import EvalsError
from registry.models import Project

log = structlog.get_logger(__name__)

# Label Studio waits 100 s for predictions, and would lose all of them to the last image.
SECONDS = 60.0
_AT_ONCE = 32  # images in memory
_PENDING = InputError("image_pending", "There was no time left to read the image; ask again.")
# Codes of images that may have features at the next request.
TRANSIENT_CODES = frozenset(
    {
        *("image_pending", "media_unreachable", "media_timeout", "media_incomplete"),
        *("media_no_credentials", "media_forbidden", "media_cache_failed", "media_certificate"),
        *("vision_missing", "model_missing", "model_broken", "extractor_changed"),
    }
)
_FAILURE_REMEMBERED_S = 30
# At most half of the web threads download images, for up to a minute each; a request beyond them
# goes without rather than wait.
_downloading = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))

Vectors = dict[str, np.ndarray | InputError]
# By addresses the mirrored tasks (by id) that name them, each with the address.
Naming = Callable[[Container[str]], Iterable[tuple[int, str]]]


def naming(
    tasks: Iterable[tuple[Any, Any]],
    addresses: Container[str],
    targets: Sequence[TargetSpec] = (),
) -> Iterator[tuple[Any, str]]:
    """The tasks, (id, data), whose data name one of the addresses."""
    for task, data in tasks:
        for text in dict.fromkeys(named_in(data, targets)):
            if text in addresses:
                yield task, text


class OnlineImages(InputSource):
    """What one request or job needs of images: each is downloaded at most once.

    Vectors are stored with the mirrored tasks that name the images, and not where none does;
    pixels are read from the cache of files. What is not made within `seconds` is left for another
    time; with 0 only stored vectors are given. `targets` as for a FeatureStore.
    """

    def __init__(
        self,
        project: Project,
        named: Naming = lambda addresses: (),
        seconds: float = SECONDS,
        targets: Sequence[TargetSpec] = (),
    ) -> None:
        self._project = project
        self._named = named
        self._targets = targets
        self._until = monotonic() + seconds

    def vectors(
        self, extractor: ExtractorRef, addresses: Sequence[str]
    ) -> list[np.ndarray | InputError]:
        store = FeatureStore(self._project, extractor, self._targets)
        found: Vectors = {f.address: f.vector for f in store.by_address(set(addresses))}
        missing = list(dict.fromkeys(a for a in addresses if a not in found))
        if missing and monotonic() < self._until and _downloading.acquire(blocking=False):
            try:
                found |= self._make(store, missing)
            finally:
                _downloading.release()
        return [found.get(address, _PENDING) for address in addresses]

    def images(self, max_side: int, addresses: Sequence[str]) -> list[SizedImage | InputError]:
        from mlapi.images.decoding import read_or_error

        found: dict[str, SizedImage | InputError] = {}
        if addresses and monotonic() < self._until and _downloading.acquire(blocking=False):
            try:
                with MediaReader(self._project) as reader:
                    for address, fetched in reader.fetch_each(addresses, until=self._until):
                        # At once: the cache keeps a file for a minute only.
                        file = fetched.path if isinstance(fetched, Fetched) else fetched
                        found[address] = read_or_error(file, max_side)
            finally:
                _downloading.release()
        return [found.get(address, _PENDING) for address in addresses]

    def _make(self, store: FeatureStore, addresses: Sequence[str]) -> Vectors:
        """The vectors of what can be read in time; they are stored all at once, at the end."""
        found: Vectors = {}
        files: dict[str, Fetched] = {}
        try:
            with MediaReader(self._project) as reader:
                for batch in chunked(addresses, _AT_ONCE):
                    if monotonic() < self._until:
                        fetched = dict(reader.fetch_each(batch, until=self._until))
                        files |= {a: f for a, f in fetched.items() if isinstance(f, Fetched)}
                        found |= self._vectors_of(store, fetched)
        finally:
            self._save(store, files, found)
        return found

    def _vectors_of(self, store: FeatureStore, fetched: dict[str, Fetched | InputError]) -> Vectors:
        files = {f.sha256: f.path for f in fetched.values() if isinstance(f, Fetched)}
        known: Vectors = dict(store.by_content(files))
        unknown = {content: path for content, path in files.items() if content not in known}
        known |= _extract(store.extractor, unknown, self._until)
        return {a: known[f.sha256] if isinstance(f, Fetched) else f for a, f in fetched.items()}

    def _save(self, store: FeatureStore, files: dict[str, Fetched], found: Vectors) -> None:
        made = {a: vector for a, vector in found.items() if isinstance(vector, np.ndarray)}
        if made:
            store.save(
                StoredFeature(task, address, files[address].sha256, made[address])
                for task, address in self._named(made)
            )


def _extract(extractor: ExtractorRef, files: dict[str, Path], until: float) -> Vectors:
    """By the EvaDB function, in this process; an unreadable image does not affect the others.

    What is not decoded at `until` is left for another time: large images take turns.
    """
    from mlapi.images.decoding import read_image

    found: Vectors = {}
    if not files:
        return found
    try:
        function = _functions.get(extractor)
    except InputError as error:
        return dict.fromkeys(files, error)
    images = {}
    for content, path in files.items():
        if monotonic() > until:
            found[content] = _PENDING
            continue
        try:
            images[content] = read_image(path, function.instance.extractor.max_side)
        except InputError as error:
            found[content] = error
    if images:
        (vectors,) = function.evaluate(list(images.values()))
        found |= dict(zip(images, vectors, strict=True))
    return found


class _Functions:
    """The EvaDB functions of this process that extract features, one for each extractor.

    A failure is remembered for half a minute: a missing model is not looked for, nor logged, with
    every image.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}
        self._failed: dict[str, tuple[float, InputError]] = {}

    def get(self, extractor: ExtractorRef) -> Any:
        """Raises InputError where the extractor cannot be loaded, or is another one today."""
        with self._lock:
            if extractor.name in self._made:
                return self._made[extractor.name]
            until, failure = self._failed.get(extractor.name, (0.0, _PENDING))
            if monotonic() < until:
                raise failure
            try:
                made = self._made[extractor.name] = _function(extractor)
            except EvalsError as error:
                log.exception("extractor_not_loaded", extractor=extractor.name)
                failure = InputError(error.code, error.sentence)
                self._failed[extractor.name] = monotonic() + _FAILURE_REMEMBERED_S, failure
                raise failure from error
            return made


_functions = _Functions()


def _function(extractor: ExtractorRef) -> Any:
    from mlapi.eva.online import OnlineFunction
    from mlapi.images.extractors.loading import extractor_for
    from mlapi.images.function import ImageFeaturesFunction

    instance = ImageFeaturesFunction()
    instance.extractor = extractor_for(extractor)
    return OnlineFunction(instance, "image_features", ["image"], ["features"])
