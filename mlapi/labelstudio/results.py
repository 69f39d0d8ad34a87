"""Converts answers to Label Studio's predictions: regions valid against the label config."""

import math
import secrets
import string
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from mlapi.domain import Answer, NoPrediction
from mlapi.labelstudio import visibility
from mlapi.labelstudio.label_config import Control, LabelConfig

_ID_CHARACTERS = string.ascii_letters + string.digits


def prediction(
    answers: Mapping[str, Answer | NoPrediction], config: LabelConfig, version_label: str | None
) -> dict[str, Any] | None:
    """`{"result": [regions], "score", "model_version"}`; None without an allowed answer.

    Never an empty `result`: Label Studio would store it and count the task as predicted. A control
    that the other answers hide has no region. The score is the lowest of the regions'.
    """
    controls = {control.name: control for control in config.controls}
    allowed = {
        name: answer
        for name, answer in answers.items()
        if name in controls and is_allowed(answer, controls[name])
    }
    visible = visibility.visible_answers(allowed, config.controls)
    regions = [_region(allowed[name], controls[name]) for name in visible]
    if not regions:
        return None
    return {
        "result": regions,
        "score": min(r["score"] for r in regions),
        "model_version": version_label,
    }


def is_allowed(answer: Answer | NoPrediction, control: Control) -> TypeGuard[Answer]:
    """Whether the answer as a whole is a valid result of this control of the config.

    A NoPrediction and an empty set are not: no region represents them.
    """
    value = getattr(answer, "value", None)
    if not value or control.tag not in _VALUES or control.for_parts:
        return False
    chosen = _chosen(value)
    if control.tag == "TextArea":
        return len(chosen) == 1
    if control.dynamic or (control.nested and control.tag == "Choices"):
        return False
    if len(chosen) > 1 and not control.takes_several:
        return False
    return set(chosen) <= set(control.labels)


# By control tag: the type of its regions, and their value for chosen labels.
_VALUES: dict[str, tuple[str, Callable[[list[str], Control], dict[str, Any]]]] = {
    "Choices": (
        "choices",
        lambda chosen, control: {
            "choices": [[label] for label in chosen] if control.writes_paths else chosen
        },
    ),
    "TextArea": ("textarea", lambda chosen, control: {"text": chosen}),
    "Taxonomy": (
        "taxonomy",
        lambda chosen, control: {"taxonomy": [list(control.paths[label]) for label in chosen]},
    ),
    "Rating": ("rating", lambda chosen, control: {"rating": int(chosen[0])}),
    "Pairwise": ("pairwise", lambda chosen, control: {"selected": chosen[0]}),
}


def _region(answer: Answer, control: Control) -> dict[str, Any]:
    kind, value = _VALUES[control.tag]
    return {
        "id": "".join(secrets.choice(_ID_CHARACTERS) for _ in range(10)),
        "from_name": control.name,
        "to_name": control.to_name[0],
        "type": kind,
        "origin": "prediction",
        "value": value(_chosen(answer.value), control),
        "score": _score(answer.score),
    }


def _chosen(value: str | tuple[str, ...]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _score(score: float) -> float:
    """Between 0 and 1: Label Studio refuses a whole batch for one score that is not."""
    score = float(score)
    return min(1.0, max(0.0, score)) if math.isfinite(score) else 0.0
