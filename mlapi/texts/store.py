"""The stored vectors of a project's texts, which serving and training share.

They are features of tasks, as those of images are, under the encoder's name and the SHA-256 of the
text.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from more_itertools import chunked

from mlapi.images.feature_store import from_bytes, to_bytes
from mlapi.texts.refs import EncoderRef
from mlapi.texts.vectors import key
from registry.actions import features
from registry.actions.features import FeatureRow
from registry.models import Feature, Project

_AT_ONCE = 2_000  # keys of a query
TextsOf = Callable[[Any], Iterable[str]]


class TextVectorStore:
    """The vectors of one project by one encoder. `texts_of` gives the texts in a task's data."""

    def __init__(self, project: Project, encoder: EncoderRef, texts_of: TextsOf) -> None:
        self.encoder = encoder
        self._project = project
        self._texts_of = texts_of
        self._stored = Feature.objects.filter(project=project, extractor=encoder.encoder_name)

    def vectors(self, keys: Sequence[str]) -> dict[str, np.ndarray]:
        """Those of the texts with these keys that are stored with any task."""
        found = {}
        for some in chunked(keys, _AT_ONCE):
            rows = self._stored.filter(address__in=some).values_list("address", "vector")
            found |= {one: from_bytes(vector) for one, vector in rows}
        return found

    def save(self, tasks: Mapping[int, Iterable[str]], vectors: Mapping[str, np.ndarray]) -> int:
        """Store the vectors, by keys, with the tasks (by id) that have these texts.

        What is stored already stays. Returns how many were given to store.
        """
        saved = 0
        for some in chunked(tasks.items(), _AT_ONCE):
            known = self._stored.filter(task__in=[task for task, _ in some])
            stored = set(known.values_list("task", "address"))
            rows = [
                FeatureRow(task, text, one, to_bytes(vectors[one]))
                for task, texts in some
                for text in texts
                if (one := key(text)) in vectors and (task, one) not in stored
            ]
            saved += features.save(self._project, self.encoder.encoder_name, rows, self._texts_of)
        return saved
