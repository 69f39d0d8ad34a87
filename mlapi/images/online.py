"""The features of a project's images: those that are kept, and those that are seen just now."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import structlog
from django.conf import settings
from more_itertools import chunked

from mlapi.domain import ExtractorRef, FeatureSource, InputProblem, TrainingFailed
from mlapi.media.reader import Fetched, MediaReader
from registry.acts import features
from registry.acts.features import Seen, address_key, strings_of
from registry.errors import EvalsError
from registry.models import Feature, Project

log = structlog.get_logger(__name__)

# Label Studio waits 100 s for predictions, and would lose all of them to the last image.
SECONDS = 60.0
_AT_ONCE = 32
_LATER = InputProblem("picture_not_yet", "There was no time left to read the image; ask again.")
# Why an image has no features now, and may have them when it is asked for again.
TRANSIENT_CODES = frozenset(
    {
        *("picture_not_yet", "media_unreachable", "media_timeout", "media_incomplete"),
        *("media_no_credentials", "media_forbidden", "media_cache_failed"),
        *("vision_missing", "model_missing", "model_broken", "extractor_changed"),
    }
)
_FAILURE_REMEMBERED_S = 30
# Who fetches images keeps a thread for a minute: the others are for everyone else, so who finds
# no place does not wait for one.
_fetching = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))

Named = Callable[[], Iterable[tuple[int, Any]]]


class ProjectFeatures(FeatureSource):
    """Of one request or job: each image is read and seen at most once, and then kept.

    `named` gives the mirrored tasks (id and data) that the addresses come from: features are
    kept with the tasks that name them, and not at all where none is mirrored yet. What has not
    been seen within `seconds` is left for another time; with none only kept features are given.
    """

    def __init__(self, project: Project, named: Named, seconds: float = SECONDS) -> None:
        self._project = project
        self._named = named
        self._until = monotonic() + seconds

    def vectors(
        self, extractor: ExtractorRef, addresses: Sequence[str]
    ) -> list[np.ndarray | InputProblem]:
        found: dict[str, np.ndarray | InputProblem] = dict(self._kept(extractor, set(addresses)))
        missing = list(dict.fromkeys(a for a in addresses if a not in found))
        if missing and monotonic() < self._until and _fetching.acquire(blocking=False):
            try:
                with MediaReader(self._project) as reader:
                    for some in chunked(missing, _AT_ONCE):
                        if monotonic() < self._until:
                            found |= self._read(reader, extractor, some)
            finally:
                _fetching.release()
        return [found.get(address, _LATER) for address in addresses]

    def _kept(
        self, extractor: ExtractorRef, addresses: set[str]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """One query; an address that several tasks name has the same vector with each."""
        by_key = {address_key(address): address for address in addresses}
        kept = Feature.objects.filter(
            project=self._project, extractor=extractor.name, address__in=list(by_key)
        )
        for key, vector in kept.values_list("address", "vector"):
            yield by_key[key], from_bytes(vector)

    def _read(
        self, reader: MediaReader, extractor: ExtractorRef, addresses: Sequence[str]
    ) -> dict[str, np.ndarray | InputProblem]:
        fetched = dict(reader.fetch_each(addresses, until=self._until))
        files = {f.sha256: f.path for f in fetched.values() if isinstance(f, Fetched)}
        seen: dict[str, np.ndarray | InputProblem] = dict(self._of_contents(extractor, files))
        unseen = {c: path for c, path in files.items() if c not in seen}
        seen |= _see(extractor, unseen, self._until)
        found: dict[str, np.ndarray | InputProblem] = {
            address: seen[file.sha256] if isinstance(file, Fetched) else file
            for address, file in fetched.items()
        }
        contents = {a: f.sha256 for a, f in fetched.items() if isinstance(f, Fetched)}
        self._keep(extractor, contents, found)
        return found

    def _of_contents(
        self, extractor: ExtractorRef, contents: Iterable[str]
    ) -> Iterator[tuple[str, np.ndarray]]:
        kept = Feature.objects.filter(
            project=self._project, extractor=extractor.name, content__in=list(contents)
        )
        for content, vector in kept.values_list("content", "vector"):
            yield content, from_bytes(vector)

    def _keep(
        self,
        extractor: ExtractorRef,
        contents: dict[str, str],
        found: dict[str, np.ndarray | InputProblem],
    ) -> None:
        rows = [
            Seen(task, address, contents[address], to_bytes(vector))
            for task, data in self._named()
            for address in dict.fromkeys(strings_of(data))
            if isinstance(vector := found.get(address), np.ndarray)
        ]
        features.keep(self._project, extractor.name, rows)


def to_bytes(vector: np.ndarray) -> bytes:
    """As it is kept: float32, little-endian."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def from_bytes(kept: bytes | memoryview) -> np.ndarray:
    """What `to_bytes` made; read only."""
    return np.frombuffer(kept, dtype="<f4")


def _see(
    extractor: ExtractorRef, files: dict[str, Path], until: float
) -> dict[str, np.ndarray | InputProblem]:
    """Through the EvaDB function, in this process; an image that is none keeps no other back.

    What is not decoded at `until` is left for another time: large images take turns.
    """
    import pandas as pd

    from mlapi.images.decoding import read_image

    found: dict[str, np.ndarray | InputProblem] = {}
    if not files:
        return found
    try:
        function = _functions.get(extractor)
    except InputProblem as problem:
        return dict.fromkeys(files, problem)
    images = {}
    for content, path in files.items():
        if monotonic() > until:
            found[content] = _LATER
            continue
        try:
            images[content] = read_image(path, function.instance.extractor.max_side)
        except InputProblem as problem:
            found[content] = problem
    if images:
        frame = pd.DataFrame({"image": pd.Series(list(images.values()), dtype=object)})
        vectors = function.evaluate(frame)["features"].tolist()
        found |= dict(zip(images, vectors, strict=True))
    return found


class _Functions:
    """The EvaDB functions of this process that see images, one for each extractor.

    A failure is remembered for half a minute: a model that is missing is not looked for, and
    told of in the log, with every image.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}
        self._failed: dict[str, tuple[float, InputProblem]] = {}

    def get(self, extractor: ExtractorRef) -> Any:
        """Raises InputProblem where the extractor cannot be had, or is another one today."""
        with self._lock:
            if extractor.name in self._made:
                return self._made[extractor.name]
            until, problem = self._failed.get(extractor.name, (0.0, _LATER))
            if monotonic() < until:
                raise problem
            try:
                made = self._made[extractor.name] = _made(extractor)
            except EvalsError as error:
                log.exception("extractor_not_loaded", extractor=extractor.name)
                problem = InputProblem(error.code, f"{error.message} {error.hint}".strip())
                self._failed[extractor.name] = monotonic() + _FAILURE_REMEMBERED_S, problem
                raise problem from error
            return made


_functions = _Functions()


def _made(extractor: ExtractorRef) -> Any:
    from mlapi.eva.online import OnlineFunction
    from mlapi.images.function import ImageFeatures

    instance = ImageFeatures()
    instance.setup(extractor.features)
    if instance.extractor.name != extractor.name:
        raise TrainingFailed(
            "extractor_changed",
            f"The features are {instance.extractor.name} today, and were {extractor.name}.",
        )
    return OnlineFunction(instance, "image_features", ["image"], ["features"])
