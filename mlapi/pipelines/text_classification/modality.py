"""Texts as the examples of a classifier."""

from collections.abc import Hashable, Sequence
from typing import Any

from mlapi.domain import InputError, TargetSpec
from mlapi.pipelines.classification.modality import Example, Modality
from mlapi.pipelines.text_classification import linear
from mlapi.pipelines.text_classification.columns import TextColumns, fit_columns
from mlapi.pipelines.text_classification.reading import canonical, read_text


class TextModality(Modality):
    """Each text as it is read; equal ones differ in case and white space at most."""

    pipeline = "text_classification"
    noun = "text"
    column = "text"
    column_type = "text"
    recipes = (linear.WORD, linear.WORD_CHAR)

    def source(self, target: TargetSpec) -> Hashable:
        return target.field, target.object_tag, target.text_key, target.author_key

    def read(self, data: dict[str, Any], target: TargetSpec) -> Example | None:
        try:
            text = read_text(data, target)
        except InputError:
            return None
        return Example(text, canonical(text))

    def fit_columns(self, inputs: Sequence[str], seed: int) -> TextColumns:
        return fit_columns(inputs, seed)

    def columns_take_too_long(self, inputs: Sequence[str]) -> bool:
        return linear.characters_take_too_long(inputs, 0)
