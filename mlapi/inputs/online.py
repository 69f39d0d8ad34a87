"""What inputs read of the database for predictions: features of images, and vectors of texts."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError

from mlapi.images.online import OnlineImages
from mlapi.inputs.text import TextInput
from mlapi.inputs.text.objects import TEXTS
from mlapi.texts.refs import EncoderRef
from mlapi.texts.store import TextVectorStore
from mlapi.texts.vectors import cache_of, key

log = structlog.get_logger(__name__)


class OnlineInputs(OnlineImages):
    """Of one request or job. Vectors of texts that are not stored are made where they are read."""

    _encoders: frozenset[EncoderRef] = frozenset()

    def cache_texts(self, encoder: EncoderRef, texts: Sequence[str]) -> None:
        """Cache the stored vectors of the texts in this process; one query for all."""
        self._encoders |= {encoder}
        vectors = cache_of(encoder)
        keys = list(dict.fromkeys(map(key, texts)))
        cached = vectors.get(keys)
        missing = [one for one in keys if one not in cached]
        if missing:
            try:
                vectors.add(self._store(encoder).vectors(missing))
            except (InterfaceError, OperationalError):  # they are made once more
                log.warning("no_stored_vectors", texts=len(missing))

    def save_texts(self, tasks: Sequence[tuple[int, Any]]) -> None:
        """Store the vectors that were read for these mirrored tasks, (id, data)."""
        for encoder in self._encoders:
            texts = {task: self._texts_of(data) for task, data in tasks}
            keys = [key(text) for own in texts.values() for text in own]
            self._store(encoder).save(texts, cache_of(encoder).get(keys))

    def _store(self, encoder: EncoderRef) -> TextVectorStore:
        return TextVectorStore(self._project, encoder, self._texts_of)

    def _texts_of(self, data: Any) -> list[str]:
        of_texts = [t for t in self._targets if all(s.tag in TEXTS for s in t.sources)]
        return TextInput().texts_of(data, of_texts)
