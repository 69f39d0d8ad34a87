"""The frozen dataset of a run as frames, one row per task, read by the pipeline's modality."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from mlapi import label_types
from mlapi.domain import InputError, TargetSpec
from mlapi.inputs import Input
from mlapi.label_types import shape_of
from mlapi.pipelines.classification.boosted import NumericColumns
from mlapi.pipelines.classification.candidates import Candidate, Estimator


class KeyedInput(NamedTuple):
    """An input, and a key that is equal for inputs whose differences make no difference."""

    value: Any
    key: str


class Modality(ABC):
    """How a training reads its inputs, stores them in EvaDB and learns from them."""

    pipeline: ClassVar[str]
    noun: ClassVar[str]  # what one input is called
    column: ClassVar[str]  # of the run's tables; with a number from the second one on
    column_type: ClassVar[str]  # as in mlapi.eva.execute
    candidates: tuple[Candidate, ...]
    input: Input

    @abstractmethod
    def source(self, target: TargetSpec) -> Hashable:
        """Where a target's inputs are: targets of one source share a column."""

    def read(self, data: dict[str, Any], target: TargetSpec) -> KeyedInput:
        """The target's input in a task's data. Raises InputError if it has none."""
        value = self.input.read(data, target)
        return KeyedInput(value, self.input.key(value))

    @abstractmethod
    def fit_columns(self, inputs: Sequence[Any], seed: int) -> NumericColumns:
        """The columns on which AutoML learns."""

    def input_of(self, estimators: Sequence[Estimator]) -> Input:
        """The input that these estimators need, which the version records."""
        return self.input

    def with_input(self, other: Input) -> "Modality":
        """The modality that reads as `other` does; itself where it reads the same.

        Texts are the same, whatever encoder there is beside them.
        """
        return self

    def candidates_for(self, inputs: Sequence[Any], n_labels: int) -> tuple[Candidate, ...]:
        """Those of its candidates that are compared on such inputs."""
        return self.candidates

    def preferred_for(self, inputs: Sequence[Any]) -> Candidate | None:
        """What is taken up to some number of examples where no other is clearly better."""
        return None

    def columns_take_too_long(self, inputs: Sequence[Any]) -> bool:
        """Whether `fit_columns` would take too long."""
        return False


# EvaDB's columns are text, so a set of labels is stored as one, joined by a character that no
# label has: `_allowed` takes those of the label config only, and XML cannot contain it.
_BETWEEN = "\x1f"
LEFT_OUT = -1  # the fold of a task that has no input or no label for the target


@dataclass(frozen=True)
class Columns:
    """Where a target is in the tables; `key` is in the frames only."""

    input: str
    label: str
    fold: str
    key: str = "key"


@dataclass
class ClassifierDataset:
    """`train` and `holdout` have a row for each task: id, inputs, and a label column per target.

    `excluded` counts, by target, the holdout tasks whose human label the config does not
    allow (any more); `unreadable` the tasks without an input, by code of the reason.
    """

    modality: Modality
    columns: dict[str, Columns]
    train: pd.DataFrame
    holdout: pd.DataFrame
    excluded: dict[str, int]
    unreadable: Counter[str]

    @property
    def types(self) -> dict[str, str]:
        """EvaDB's types of the columns of both tables; folds are in `train` only."""
        inputs = dict.fromkeys((c.input for c in self.columns.values()), self.modality.column_type)
        return {"id": "integer", **inputs, **{c.label: "text" for c in self.columns.values()}}


def encode(labels: Sequence[str]) -> str:
    """A set of labels as the text of one column."""
    return _BETWEEN.join(sorted(labels))


def decode(text: str, spec: TargetSpec) -> Any:
    """The value of the target's label type in a column's text."""
    if shape_of(spec) == "single":
        return text
    return tuple(text.split(_BETWEEN)) if text else ()


def classes(text: str, spec: TargetSpec) -> list[str]:
    """The labels in a column's text."""
    return label_types.of(spec).classes(decode(text, spec))


def build(
    modality: Modality, rows: Iterable[dict[str, Any]], targets: Sequence[TargetSpec], seed: int
) -> ClassifierDataset:
    """Read the inputs and labels of every task, and give each training task its fold."""
    columns = _columns(modality, targets)
    readers = {columns[t.name].input: (columns[t.name].key, t) for t in targets}
    split: dict[str, list[dict[str, Any]]] = {"train": [], "holdout": []}
    excluded = dict.fromkeys((t.name for t in targets), 0)
    unreadable: Counter[str] = Counter()
    for task in rows:
        row: dict[str, Any] = {"id": task["id"]}
        problems: list[str] = []
        for column, (key, reader) in readers.items():
            try:
                row[column], row[key] = modality.read(task["data"], reader)
            except InputError as problem:
                row[column] = row[key] = None
                problems.append(problem.code)
        unreadable.update(problems[:1])
        for target in targets:
            human = (task.get("labels") or {}).get(target.name)
            label = _allowed(human, target)
            row[columns[target.name].label] = label
            if human is not None and label is None and task["split"] == "holdout":
                excluded[target.name] += 1
        split[task["split"]].append(row)
    keys = [key for key, _ in readers.values()]
    names = ["id", *readers, *keys, *(c.label for c in columns.values())]
    train = pd.DataFrame(split["train"], columns=names)
    for target in targets:
        c = columns[target.name]
        train[c.fold] = _folds(train[c.key], train[c.label], seed)
    holdout = pd.DataFrame(split["holdout"], columns=names)
    return ClassifierDataset(modality, columns, train, holdout, excluded, unreadable)


def folds(keys: Sequence[str], seed: int, k: int = 5) -> np.ndarray:
    """(n,) fold numbers below k: shuffled, each key dealt out evenly, whatever its count.

    Unlike StratifiedKFold this takes classes with fewer than k members.
    """
    shuffled = np.random.default_rng(seed).permutation(len(keys))
    order = np.lexsort(
        (shuffled, np.unique(np.asarray(keys, dtype=object), return_inverse=True)[1])
    )
    dealt = np.empty(len(keys), dtype=int)
    dealt[order] = np.arange(len(keys)) % k
    return dealt


def count_shared_inputs(dataset: ClassifierDataset, target: str) -> int:
    """How many of the target's inputs in the holdout are training inputs too.

    Tasks that are equal in all of their inputs share a split; a target reads one of them, which
    tasks of both splits may have in common; and two addresses may name one image.
    """
    c = dataset.columns[target]
    learned = dataset.train.loc[dataset.train[c.fold] != LEFT_OUT, c.key]
    evaluated = dataset.holdout.loc[dataset.holdout[c.label].notna(), c.key].dropna()
    return int(evaluated.isin(set(learned)).sum())


def _columns(modality: Modality, targets: Sequence[TargetSpec]) -> dict[str, Columns]:
    numbers: dict[Hashable, int] = {}
    found = {}
    for i, t in enumerate(targets, start=1):
        n = numbers.setdefault(modality.source(t), len(numbers) + 1)
        found[t.name] = Columns(
            _numbered(modality.column, n),
            _numbered("label", i),
            _numbered("fold", i),
            _numbered("key", n),
        )
    return found


def _numbered(name: str, i: int) -> str:
    return name if i == 1 else f"{name}_{i}"


def _allowed(human: Any, target: TargetSpec) -> str | None:
    """The human's label as a column's text; None if there is none that the config allows."""
    label_type = label_types.of(target)
    value = label_type.from_json(human)
    if value is None or not label_type.is_allowed(value, target.labels):
        return None
    return encode(label_type.classes(value))


def _folds(keys: pd.Series, labels: pd.Series, seed: int) -> np.ndarray:
    """(n,) fold numbers; LEFT_OUT without an input or a label.

    Equal inputs share a fold, as they share a split: the score of an input that was trained on is
    no out-of-fold score, and calibrating on it makes a version far too confident.
    """
    found = np.full(len(keys), LEFT_OUT)
    usable = (keys.notna() & labels.notna()).to_numpy(dtype=bool)
    if usable.any():
        keys = keys[usable]
        distinct = ~keys.duplicated()
        dealt = folds(labels[usable][distinct].tolist(), seed)
        found[usable] = keys.map(dict(zip(keys[distinct], dealt, strict=True)))
    return found
