"""What a text classification version is in memory and in its artifact."""

import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mlapi.pipelines.base import TargetSpec
from mlapi.pipelines.text_classification.calibration import Sigmoids, Temperature

FORMAT = 1


@dataclass
class TrainedTarget:
    """A target, with an estimator that has `scores(texts)` and `nbytes`, and its calibration.

    `spec.labels` are the labels in the estimator's order.
    """

    spec: TargetSpec
    estimator: Any
    calibration: Temperature | Sigmoids

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """(n, labels)."""
        return self.calibration.probabilities(self.estimator.scores(texts))


@dataclass
class TextModel:
    """The trained targets of a version. Read only once made, so any thread may use it."""

    targets: list[TrainedTarget]

    @property
    def nbytes(self) -> int:
        return sum(t.estimator.nbytes for t in self.targets)

    def slices(self) -> list[slice]:
        """Where each target's labels are in a row of `probabilities`."""
        ends = np.cumsum([0, *(len(t.spec.labels) for t in self.targets)]).tolist()
        return [slice(a, b) for a, b in zip(ends, ends[1:], strict=False)]

    def probabilities(self, texts: Sequence[Sequence[str | None] | None], n: int) -> np.ndarray:
        """(n, labels of all targets, one target after another).

        `texts` has n texts for each target, or None for a target that is not asked. Where
        there is no text the row is NaN for the target.
        """
        parts = []
        for target, column in zip(self.targets, texts, strict=True):
            part = np.full((n, len(target.spec.labels)), np.nan)
            if column is not None:
                there = [i for i, text in enumerate(column) if isinstance(text, str)]
                if there:
                    part[there] = target.probabilities([column[i] for i in there])
            parts.append(part)
        return np.hstack(parts) if parts else np.empty((n, 0))

    def save(self, path: Path) -> None:
        """Write the artifact atomically. The same model gives the same bytes."""
        payload = {
            "format": FORMAT,
            "pipeline": "text_classification",
            "targets": [
                {"spec": t.spec.to_dict(), "estimator": t.estimator, "calibration": t.calibration}
                for t in self.targets
            ],
        }
        partial = path.with_suffix(".partial")
        with open(partial, "wb") as f:
            pickle.dump(payload, f, protocol=5)
            f.flush()
            os.fsync(f.fileno())
        os.replace(partial, path)


def read_model(path: Path) -> TextModel:
    """The model in an artifact whose SHA-256 the caller has verified: it is a pickle.

    Raises ValueError if it is not an artifact of this pipeline.
    """
    with open(path, "rb") as f:
        payload = pickle.load(f)  # noqa: S301 - verified before, see above
    if not isinstance(payload, dict) or payload.get("pipeline") != "text_classification":
        raise ValueError("Not an artifact of text classification.")
    if payload.get("format") != FORMAT:
        raise ValueError(f"The artifact has format {payload.get('format')!r}, not {FORMAT}.")
    return TextModel(
        [
            TrainedTarget(TargetSpec.from_dict(t["spec"]), t["estimator"], t["calibration"])
            for t in payload["targets"]
        ]
    )


@lru_cache(maxsize=4)
def _kept(path: str, mtime_ns: int, size: int) -> TextModel:
    return read_model(Path(path))


def load_model(path: str) -> TextModel:
    """`read_model`, once per file: EvaDB makes its function anew at every bind."""
    status = os.stat(path)
    return _kept(path, status.st_mtime_ns, status.st_size)
