"""Converts predictions to Label Studio's: regions valid against the label config."""

import math
import random
import string
from collections.abc import Mapping, Sequence
from typing import Any

from mlapi import label_types
from mlapi.domain import NoPrediction, Prediction
from mlapi.label_types.base import Region
from mlapi.labelstudio import visibility
from mlapi.labelstudio.label_config import Control, LabelConfig

_ID_CHARACTERS = (string.ascii_letters + string.digits).encode()
_OF_BYTE = bytes(_ID_CHARACTERS[byte % len(_ID_CHARACTERS)] for byte in range(256))


def prediction(
    answers: Mapping[str, Prediction | NoPrediction],
    config: LabelConfig,
    version_label: str | None,
) -> dict[str, Any] | None:
    """`{"result": [regions], "score", "model_version"}`; None without an allowed region.

    Never an empty `result`: Label Studio would store it and count the task as predicted. A control
    that the other answers hide has no region. The score is the lowest of the regions'.
    """
    regions: list[dict[str, Any]] = []
    for name, allowed in _allowed(answers, config)[1].items():
        regions += _results(allowed, config.by_name[name])
    if not regions:
        return None
    return {
        "result": regions,
        "score": min([r["score"] for r in regions]),
        "model_version": version_label,
    }


def is_nothing(answers: Mapping[str, Prediction | NoPrediction], config: LabelConfig) -> bool:
    """Whether the prediction for the task is that there is nothing in it."""
    allowed, shown = _allowed(answers, config)
    return bool(shown) and len(allowed) == len(answers) and not any(shown.values())


def is_hidden(answers: Mapping[str, Prediction | NoPrediction], config: LabelConfig) -> bool:
    """Whether the config allows all answers, and hides each of their controls."""
    allowed, shown = _allowed(answers, config)
    return not shown and bool(allowed) and len(allowed) == len(answers)


def allowed_regions(answer: Prediction | NoPrediction, control: Control) -> list[Region] | None:
    """The answer's regions, if it is as a whole a valid result of this control of the config."""
    if isinstance(answer, NoPrediction) or control.for_parts:
        return None
    return label_types.of(answer).write(answer.regions, control)


def _allowed(
    answers: Mapping[str, Prediction | NoPrediction], config: LabelConfig
) -> tuple[dict[str, list[Region]], dict[str, list[Region]]]:
    """By control the regions of each answer that the config allows, and of those that it shows."""
    controls = config.by_name
    regions = {
        name: found
        for name, answer in answers.items()
        if name in controls and (found := allowed_regions(answer, controls[name])) is not None
    }
    if not config.is_conditional:
        return regions, regions
    visible = visibility.visible_answers({name: answers[name] for name in regions}, config.controls)
    return regions, {name: regions[name] for name in visible}


def _results(regions: Sequence[Region], control: Control) -> list[dict[str, Any]]:
    results, region_id = [], ""
    for region in regions:
        region_id = region_id if region.same_id else _region_id()
        results.append(_result(region, control, region_id))
    return results


def _result(region: Region, control: Control, region_id: str) -> dict[str, Any]:
    result = {
        "id": region_id,
        "from_name": region.control or control.name,
        "to_name": control.to_name[0],
        "type": region.type,
        "origin": "prediction",
        "value": region.value,
        "score": _score(region.score),
    }
    return {**region.fields, **result} if region.fields else result


def _region_id() -> str:
    """Ten random characters, as the editor's own. No secret, so that no region asks the system.

    Python seeds its generator anew in each process that is forked.
    """
    return random.randbytes(10).translate(_OF_BYTE).decode()  # noqa: S311


def _score(score: float) -> float:
    """Between 0 and 1: Label Studio refuses a whole batch for one score that is not."""
    score = float(score)
    if 0.0 <= score <= 1.0:
        return score
    return float(score > 1.0 and math.isfinite(score))
