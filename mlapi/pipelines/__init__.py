"""The pipelines, and which of them fills which control of a label config.

A package for each kind of labelling; `base` has the interface, `classification` and `images`
what several of them share. Imports eva, evaluation, images, run_folder, labelstudio's
label config and domain, and no database. Imported by whatever trains or predicts.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlapi import label_types
from mlapi.domain import Match, TargetSpec, Unserved
from mlapi.labelstudio.label_config import Control, LabelConfig
from mlapi.pipelines import refusals
from mlapi.pipelines.base import Pipeline
from mlapi.pipelines.image_classification import ImageClassification
from mlapi.pipelines.image_clusters import ImageClusters
from mlapi.pipelines.image_similarity import ImageSimilarity
from mlapi.pipelines.models import READERS
from mlapi.pipelines.targets import reachable
from mlapi.pipelines.text_classification import TextClassification

# In the order of precedence: the first that would fill a control does.
PIPELINES: dict[str, Pipeline] = {
    p.name: p
    for p in (TextClassification(), ImageClassification(), ImageSimilarity(), ImageClusters())
}
READERS.update({name: pipeline.read_model for name, pipeline in PIPELINES.items()})

NOTHING_SERVED = "No control that this backend can serve. Add Choices on Text or Image"
NO_OPTIONS: Mapping[str, Any] = {}


def get(name: str) -> Pipeline:
    """The pipeline of that name. Raises KeyError."""
    return PIPELINES[name]


def match(config: LabelConfig, options: Mapping[str, Any] = NO_OPTIONS) -> Match:
    """Each control with the pipeline that fits it, or the reason why none does.

    A pipeline that the options choose comes before the others, for the control that it fills.
    Else the first that would fill a control does, and a control that none fills has the reason of
    the one that comes nearest.
    """
    asked = [*_chosen(config, options), *(p for p in PIPELINES.values() if not p.opt_in)]
    found = [_assigned(control, config, options, asked) for control in config.controls]
    return reachable(
        Match(
            tuple(one for one in found if isinstance(one, TargetSpec)),
            tuple(one for one in found if isinstance(one, Unserved)),
        )
    )


def useless_option(config: LabelConfig, options: Mapping[str, Any]) -> str:
    """Why a pipeline that the options choose fills no control; "" where each one fills some."""
    for pipeline in _chosen(config, options):
        found = pipeline.match(config, options)
        if not found.targets and found.unserved:
            return max(found.unserved, key=refusals.nearness).message
    return ""


def _chosen(config: LabelConfig, options: Mapping[str, Any]) -> list[Pipeline]:
    return [p for p in PIPELINES.values() if p.is_enabled(options) and p.applies_to(config)]


def _assigned(
    control: Control, config: LabelConfig, options: Mapping[str, Any], asked: Sequence[Pipeline]
) -> TargetSpec | Unserved:
    refused = []
    for pipeline in asked:
        found = pipeline.target(control, config, options)
        if isinstance(found, TargetSpec):
            return replace(found, pipeline=pipeline.name, purpose=pipeline.purpose(options))
        refused.append(refusals.unserved(control, found))
        if found in refusals.OPTION_WRONG:
            break  # an option is about it that cannot be carried out: nothing else fills it
    return max(refused, key=refusals.nearness)


def targets_of(
    names: Sequence[str],
    trained: Mapping[str, str],
    config: LabelConfig,
    options: Mapping[str, Any] = NO_OPTIONS,
) -> tuple[TargetSpec, ...]:
    """The targets that a version fills of a label config, in the order of its controls.

    `names` are the version's pipelines, `trained` the pipeline of each control that it was
    trained for. Another control is that of the first pipeline that would fill it.
    """
    found: dict[str, TargetSpec] = {}
    for name in names:
        for target in get(name).match(config, options).targets:
            if trained.get(target.name, name) == name:
                found.setdefault(target.name, target)
    ordered = tuple(found[c.name] for c in config.controls if c.name in found)
    return reachable(Match(ordered)).targets


def why_not(unserved: Match) -> str:
    """One ASCII line, cause and cure, for a config without targets; "" for one that has some.

    Label Studio shows its user no other text of this backend, so it is the reason of the control
    that comes nearest to being served: one that is refused for its settings.
    """
    if unserved.targets:
        return ""
    refused = [u for u in unserved.unserved if u.code != "control_not_served"]
    return max(refused, key=refusals.nearness).message if refused else NOTHING_SERVED


def fingerprint(matched: Match) -> str:
    """SHA-256 of the targets, their labels (in whatever order) and their purpose."""
    parts = []
    for name in matched.pipelines or ("",):
        targets = matched.of(name)
        purpose = [target.purpose for target in targets[:1] if target.purpose]
        parts.append([name, _facts(targets), *purpose])
    # Of one pipeline as it always was, so that the versions of it still fit.
    text = json.dumps(parts[0] if len(parts) == 1 else parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _facts(targets: Sequence[TargetSpec]) -> list[dict[str, Any]]:
    """What a fingerprint is of: the same for targets and labels in another order."""
    return [
        {
            **replace(t, pipeline="", purpose="").to_dict(),
            "kind": label_types.shape_of(t),
            "labels": sorted(t.labels),
        }
        for t in sorted(targets, key=lambda t: t.name)
    ]
