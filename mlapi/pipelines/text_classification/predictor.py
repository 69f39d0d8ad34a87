"""A loaded text classification version: task data in, answers out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlapi.eva.functions.text_classifier import TextClassifier
from mlapi.eva.online import OnlineFunction
from mlapi.pipelines.base import Answer, InputProblem, Predictor, Problem, TargetSpec
from mlapi.pipelines.text_classification.answers import answers
from mlapi.pipelines.text_classification.model import TextModel, read_model
from mlapi.pipelines.text_classification.reading import read_text

Answers = dict[str, Answer | Problem]


class TextPredictor(Predictor):
    """Evaluates the version's EvaDB function in this process, one column for each target."""

    def __init__(self, model: TextModel) -> None:
        self.model = model
        self.targets = tuple(t.spec for t in model.targets)
        self.nbytes = model.nbytes
        self._slices = model.slices()
        self._columns = [f"text_{i}" for i in range(len(self.targets))]
        function = TextClassifier()
        function.model = model
        self._function = OnlineFunction(
            function, "text_classifier", self._columns, ["probabilities"]
        )

    @classmethod
    def load(cls, path: Path) -> "TextPredictor":
        """Raises ValueError for a file that is no artifact of this pipeline."""
        return cls(read_model(path))

    def predict(
        self, rows: Sequence[dict[str, Any]], specs: Sequence[TargetSpec] | None = None
    ) -> list[Answers]:
        today = {spec.name: spec for spec in (self.targets if specs is None else specs)}
        found: list[Answers] = [{} for _ in rows]
        asked = [i for i, t in enumerate(self.targets) if _serves(t, today.get(t.name))]
        if not rows or not asked:
            return found
        texts: list[list[str | None]] = [[None] * len(rows) for _ in self.targets]
        for i in asked:
            texts[i] = _read(rows, today[self.targets[i].name], found)
        frame = pd.DataFrame(dict(zip(self._columns, texts, strict=True)), dtype=object)
        probabilities = np.stack(self._function.evaluate(frame)["probabilities"].tolist())
        for i in asked:
            spec = self.targets[i]
            for row, answer in enumerate(answers(spec, probabilities[:, self._slices[i]])):
                if answer is not None:
                    found[row][spec.name] = answer
        return found


def _serves(learned: TargetSpec, today: TargetSpec | None) -> bool:
    """Whether what was learned still answers what the control asks."""
    return today is not None and today.kind == learned.kind


def _read(
    rows: Sequence[dict[str, Any]], spec: TargetSpec, found: list[Answers]
) -> list[str | None]:
    texts: list[str | None] = []
    for row, answered in zip(rows, found, strict=True):
        try:
            texts.append(read_text(row, spec))
        except InputProblem as e:
            texts.append(None)
            answered[spec.name] = Problem(spec.name, e.code, e.message)
    return texts
