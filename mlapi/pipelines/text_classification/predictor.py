"""A loaded text classification version."""

from collections.abc import Sequence
from typing import Any

from mlapi.domain import FeatureSource, InputError, TargetSpec
from mlapi.pipelines.classification.predictor import ClassifierPredictor
from mlapi.pipelines.text_classification.reading import read_text


class TextPredictor(ClassifierPredictor):
    """Reads each task's text."""

    def read(
        self, rows: Sequence[dict[str, Any]], spec: TargetSpec, store: FeatureSource | None
    ) -> list[Any]:
        return [_read(row, spec) for row in rows]


def _read(row: dict[str, Any], spec: TargetSpec) -> str | InputError:
    try:
        return read_text(row, spec)
    except InputError as e:
        return e
