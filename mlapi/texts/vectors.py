"""The process's cache of the vectors of texts, which are made where they are not in it.

They are made by an EvaDB function, in the processes of a server by that of its encoder process
(`encoder_process`); in an export, which has no EvaDB, by the encoder itself.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlapi.texts.encoders.loading import encoder_for
from mlapi.texts.refs import EncoderRef

if TYPE_CHECKING:
    from mlapi.eva.online import OnlineFunction

MOST_CACHED = 10_000  # vectors of an encoder, some 16 MB; a training caches all of its own


def key(text: str) -> str:
    """The SHA-256 of a text, hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class VectorCache:
    """The vectors of one encoder by their texts' keys; the least recently used go first."""

    def __init__(self, most: int | None = MOST_CACHED) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._found: OrderedDict[str, np.ndarray] = OrderedDict()

    def add(self, found: Mapping[str, np.ndarray]) -> None:
        with self._lock:
            self._found.update(found)
            while self.most is not None and len(self._found) > self.most:
                self._found.popitem(last=False)

    def get(self, keys: Sequence[str]) -> dict[str, np.ndarray]:
        """Those of the keys that are cached."""
        with self._lock:
            found = {one: self._found[one] for one in keys if one in self._found}
            for one in found:
                self._found.move_to_end(one)
        return found


_state = threading.Lock()
_caches: dict[str, VectorCache] = {}
_functions: dict[str, "OnlineFunction"] = {}


def cache_of(ref: EncoderRef) -> VectorCache:
    """The process's cache of the encoder's vectors."""
    with _state:
        return _caches.setdefault(ref.encoder_name, VectorCache())


def vectors_of(ref: EncoderRef, texts: Sequence[str]) -> np.ndarray:
    """(n, size) float32: cached vectors, and those of other texts as this process makes them.

    Raises TrainingFailed as `encoder_for` does, or what that way of making them raises.
    """
    keys = [key(text) for text in texts]
    of_encoder = cache_of(ref)
    found = of_encoder.get(keys)
    missing = {k: text for k, text in zip(keys, texts, strict=True) if k not in found}
    if missing:
        fresh = dict(zip(missing, _make(ref, list(missing.values())), strict=True))
        of_encoder.add(fresh)
        found |= fresh
    return np.stack([found[one] for one in keys])


Make = Callable[[EncoderRef, Sequence[str]], Iterable[np.ndarray]]


def by_encoder(ref: EncoderRef, texts: Sequence[str]) -> Iterable[np.ndarray]:
    """The vectors of texts, without EvaDB."""
    return encoder_for(ref).encode(texts)


def by_evadb(ref: EncoderRef, texts: Sequence[str]) -> Iterable[np.ndarray]:
    """The vectors of texts, by an EvaDB function in this process."""
    (made,) = _function(ref).evaluate(texts)
    return made


_make: Make = by_evadb


def make_by(make: Make) -> None:
    """Has this process make vectors in another way from now on."""
    global _make
    _make = make


def _function(ref: EncoderRef) -> "OnlineFunction":
    from mlapi.eva.online import OnlineFunction
    from mlapi.texts.function import SentenceEmbedding

    encoder = encoder_for(ref)
    with _state:
        if ref.encoder_name not in _functions:
            instance = SentenceEmbedding()
            instance.encoder = encoder
            made = OnlineFunction(instance, "sentence_embedding", ["text"], ["embedding"])
            _functions[ref.encoder_name] = made
        return _functions[ref.encoder_name]
