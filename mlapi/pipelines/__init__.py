"""Which pipelines there are, and which of them serves a label config."""

import hashlib
import json
from typing import TYPE_CHECKING

from mlapi.pipelines.base import (
    Answer,
    InputProblem,
    InvalidOption,
    Match,
    Pipeline,
    Predictor,
    Problem,
    TargetSpec,
    TrainingFailed,
    TrainingJob,
    UnknownOption,
    Unserved,
)
from mlapi.pipelines.text_classification import TextClassification

if TYPE_CHECKING:
    from mlapi.labelstudio.label_config import LabelConfig

__all__ = [
    "PIPELINES",
    "Answer",
    "InputProblem",
    "InvalidOption",
    "Match",
    "Pipeline",
    "Predictor",
    "Problem",
    "TargetSpec",
    "TrainingFailed",
    "TrainingJob",
    "UnknownOption",
    "Unserved",
    "fingerprint",
    "get",
    "match",
    "why_not",
]

# In this order they are asked; the first that has a target serves the config.
PIPELINES: dict[str, Pipeline] = {p.name: p for p in (TextClassification(),)}

NOTHING_SERVED = "No control that this backend can serve. Add Choices on Text"


def get(name: str) -> Pipeline:
    """The pipeline of that name. Raises KeyError."""
    return PIPELINES[name]


def match(config: "LabelConfig") -> Match:
    """What the first pipeline with a target makes of the config, else why none has one."""
    matches = [pipeline.match(config) for pipeline in PIPELINES.values()]
    served = next((m for m in matches if m.targets), None)
    if served is not None:
        return served
    return Match("", (), tuple(dict.fromkeys(u for m in matches for u in m.unserved)))


def why_not(unserved: Match) -> str:
    """One ASCII line, cause and cure, for a config without targets; "" for one that has some.

    It is Label Studio's only text of ours that its user reads, so it names the reason of
    the control that comes nearest to being served: one that is refused for what it is set to.
    """
    if unserved.targets:
        return ""
    special = (u.message for u in unserved.unserved if u.code != "control_not_served")
    return next(special, NOTHING_SERVED)


def fingerprint(matched: Match) -> str:
    """SHA-256 of the targets and their labels, whatever their order in the config."""
    targets = sorted(
        ({**t.to_dict(), "labels": sorted(t.labels)} for t in matched.targets),
        key=lambda t: t["name"],
    )
    text = json.dumps([matched.pipeline, targets], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
