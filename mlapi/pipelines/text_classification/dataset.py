"""The frozen dataset of a run as frames: one row per task, ready for EvaDB's tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlapi.pipelines.base import InputProblem, TargetSpec
from mlapi.pipelines.text_classification.reading import canonical, read_text

# EvaDB's columns are text, so the set of a `multiple` target is stored as one, joined by a
# character that `reading` and Label Studio's XML keep out of labels.
_BETWEEN = "\x1f"
LEFT_OUT = -1  # the fold of a task that has no text or no label for the target


@dataclass(frozen=True)
class Columns:
    """Where a target is in the tables."""

    text: str
    label: str
    fold: str


@dataclass
class TextDataset:
    """`train` and `holdout` have a row for each task: id, texts, and a label column per target.

    `excluded` counts, by target, the holdout tasks whose human label the config does not
    allow (any more); `unreadable` the tasks without a text, by split.
    """

    columns: dict[str, Columns]
    train: pd.DataFrame
    holdout: pd.DataFrame
    excluded: dict[str, int]
    unreadable: dict[str, int]

    @property
    def types(self) -> dict[str, str]:
        """EvaDB's types of the columns of both tables; folds are in `train` only."""
        texts = dict.fromkeys((c.text for c in self.columns.values()), "text")
        return {"id": "integer", **texts, **{c.label: "text" for c in self.columns.values()}}


def encode(label: str | Sequence[str]) -> str:
    """A label, or a set of them, as the text of one column."""
    return label if isinstance(label, str) else _BETWEEN.join(sorted(label))


def decode(text: str, spec: TargetSpec) -> tuple[str, ...]:
    """The set of labels in a column's text; of one for `single`."""
    if spec.kind == "single":
        return (text,)
    return tuple(text.split(_BETWEEN)) if text else ()


def build(rows: Iterable[dict[str, Any]], targets: Sequence[TargetSpec], seed: int) -> TextDataset:
    """Read the texts and labels of every task, and give each training task its fold."""
    columns = _columns(targets)
    readers = {columns[t.name].text: t for t in targets}
    split: dict[str, list[dict[str, Any]]] = {"train": [], "holdout": []}
    excluded = dict.fromkeys((t.name for t in targets), 0)
    unreadable = {"train": 0, "holdout": 0}
    for task in rows:
        row = {"id": task["id"], **{c: _text(task["data"], t) for c, t in readers.items()}}
        for target in targets:
            human = (task.get("labels") or {}).get(target.name)
            label = _allowed(human, target)
            row[columns[target.name].label] = label
            if human is not None and label is None and task["split"] == "holdout":
                excluded[target.name] += 1
        unreadable[task["split"]] += any(row[c] is None for c in readers)
        split[task["split"]].append(row)
    names = ["id", *readers, *(c.label for c in columns.values())]
    train = pd.DataFrame(split["train"], columns=names)
    for target in targets:
        c = columns[target.name]
        train[c.fold] = _folds(train[c.text], train[c.label], seed)
    holdout = pd.DataFrame(split["holdout"], columns=names)
    return TextDataset(columns, train, holdout, excluded, unreadable)


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


def on_both_sides(dataset: TextDataset, target: str) -> int:
    """How many of the target's judged texts are training texts too.

    Tasks that are equal in all of their inputs share a side; a target reads one of them, which
    tasks of both sides may have in common. None where there is one input, unless the config
    named another field when the sides were decided.
    """
    c = dataset.columns[target]
    learned = dataset.train.loc[dataset.train[c.fold] != LEFT_OUT, c.text]
    judged = dataset.holdout.loc[dataset.holdout[c.label].notna(), c.text].dropna()
    return int(judged.map(canonical).isin(set(learned.map(canonical))).sum())


def _columns(targets: Sequence[TargetSpec]) -> dict[str, Columns]:
    texts: dict[tuple[str, ...], str] = {}
    found = {}
    for i, t in enumerate(targets, start=1):
        source = (t.field, t.object_tag, t.text_key, t.author_key)
        text = texts.setdefault(source, _numbered("text", len(texts) + 1))
        found[t.name] = Columns(text, _numbered("label", i), _numbered("fold", i))
    return found


def _numbered(name: str, i: int) -> str:
    return name if i == 1 else f"{name}_{i}"


def _text(data: dict[str, Any], target: TargetSpec) -> str | None:
    try:
        return read_text(data, target)
    except InputProblem:
        return None


def _allowed(human: Any, target: TargetSpec) -> str | None:
    """The human's label as a column's text; None if there is none that the config allows."""
    if target.kind == "single":
        return human if isinstance(human, str) and human in target.labels else None
    if not isinstance(human, list | tuple) or not set(human) <= set(target.labels):
        return None
    return encode(human)


def _folds(texts: pd.Series, labels: pd.Series, seed: int) -> np.ndarray:
    """(n,) fold numbers; LEFT_OUT without a text or a label.

    Equal texts share a fold, as they share a side of the split: a score from a model that has
    seen the text is no out-of-fold score, and calibrates what serves to be far too sure.
    """
    found = np.full(len(texts), LEFT_OUT)
    there = (texts.notna() & labels.notna()).to_numpy(dtype=bool)
    if there.any():
        keys = texts[there].map(canonical)
        distinct = ~keys.duplicated()
        dealt = folds(labels[there][distinct].tolist(), seed)
        found[there] = keys.map(dict(zip(keys[distinct], dealt, strict=True)))
    return found
