"""The pipelines, and which of them fills which control of a label config.

A package for each kind of labelling; `base` has the interface, `classification` and `images`
what several of them share. Imports inputs, evaluation, images, eva, run_folder, label_types,
labelstudio's label config and domain, and no database. Imported by whatever trains or predicts.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlapi import label_types
from mlapi.domain import Match, TargetSpec, Unserved
from mlapi.inputs import Input
from mlapi.labelstudio.label_config import Control, LabelConfig
from mlapi.pipelines import control_options, refusals
from mlapi.pipelines.base import Pipeline
from mlapi.pipelines.image_classification import ImageClassification
from mlapi.pipelines.image_clusters import ImageClusters
from mlapi.pipelines.image_similarity import ImageSimilarity
from mlapi.pipelines.models import READERS
from mlapi.pipelines.object_detection import ObjectDetection
from mlapi.pipelines.targets import reachable
from mlapi.pipelines.text_classification import TextClassification

# In the order of precedence: the first that would fill a control does.
PIPELINES: dict[str, Pipeline] = {
    p.name: p
    for p in (
        TextClassification(),
        ImageClassification(),
        ImageSimilarity(),
        ImageClusters(),
        ObjectDetection(),
    )
}
READERS.update({name: pipeline.read_model for name, pipeline in PIPELINES.items()})

NOTHING_SERVED = "No control that this backend can serve. Add Choices on Text or Image"
NO_OPTIONS: Mapping[str, Any] = {}


def get(name: str) -> Pipeline:
    """The pipeline of that name. Raises KeyError."""
    return PIPELINES[name]


def named(names: str) -> list[Pipeline]:
    """The pipelines of a version, whose names are stored as one text; without unknown ones."""
    return [PIPELINES[name] for name in names.split(", ") if name in PIPELINES]


def by_medium(targets: Sequence[TargetSpec]) -> list[tuple[Input, list[TargetSpec]]]:
    """The targets by the medium that they are read from, each with an input of it.

    In the order of PIPELINES, whatever that of the targets.
    """
    found: list[tuple[Input, list[TargetSpec]]] = []
    for medium in dict.fromkeys(pipeline.input.medium for pipeline in PIPELINES.values()):
        own = [target for target in targets if get(target.pipeline).input.medium == medium]
        if own:
            found.append((get(own[0].pipeline).input, own))
    return found


def match(config: LabelConfig, options: Mapping[str, Any] = NO_OPTIONS) -> Match:
    """Each control with the pipeline that fits it, or the reason why none does.

    The pipeline that the control's options choose comes before the others. Else the first that
    would fill a control does, and a control that none fills has the reason of the one that comes
    nearest.
    """
    own = options_of(config, options)
    found = [_assigned(control, config, own[control.name]) for control in config.controls]
    return reachable(
        Match(
            tuple(one for one in found if isinstance(one, TargetSpec)),
            tuple(one for one in found if isinstance(one, Unserved)),
        )
    )


def options_of(config: LabelConfig, options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By control the options that are set for it, without defaults; see `control_options`."""
    return control_options.by_control(config, options, tuple(PIPELINES.values()))


def _assigned(
    control: Control, config: LabelConfig, options: Mapping[str, Any]
) -> TargetSpec | Unserved:
    chosen = [p for p in PIPELINES.values() if p.is_chosen(options) and p.applies_to(config)]
    usual = [p for p in PIPELINES.values() if not p.chosen_by]
    refused = []
    for pipeline in (*chosen, *usual):
        found = _target(pipeline, control, config, options)
        if isinstance(found, TargetSpec):
            return found
        refused.append(refusals.unserved(control, found))
        if found in refusals.OPTION_WRONG:
            break  # an option is about it that cannot be carried out: nothing else fills it
    return max(refused, key=refusals.nearness)


def _target(
    pipeline: Pipeline, control: Control, config: LabelConfig, options: Mapping[str, Any]
) -> TargetSpec | str:
    found = pipeline.target(control, config, options)
    if isinstance(found, str):
        return found
    purpose = found.purpose or pipeline.purpose(options)
    return replace(found, pipeline=pipeline.name, purpose=purpose)


def targets_of(
    names: Sequence[str],
    trained: Mapping[str, str],
    config: LabelConfig,
    options: Mapping[str, Any] = NO_OPTIONS,
) -> tuple[TargetSpec, ...]:
    """The targets that a version fills of a label config, in the order of its controls.

    `names` are the version's pipelines, `trained` the pipeline of each control that it was
    trained for. Another control is that of the first pipeline that would fill it, of which one
    that its options choose comes first.
    """
    own = options_of(config, options)
    found = []
    for control in config.controls:
        mine = [trained[control.name]] if control.name in trained else names
        known = [PIPELINES[name] for name in mine if name in PIPELINES]
        known.sort(key=lambda pipeline: not pipeline.is_chosen(own[control.name]))
        filled = (_target(pipeline, control, config, own[control.name]) for pipeline in known)
        found += [target for target in filled if isinstance(target, TargetSpec)][:1]
    return reachable(Match(tuple(found))).targets


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
        purposes = [t.purpose for t in _in_order(targets) if t.purpose]
        parts.append([name, _facts(targets), *purposes])
    # Of one pipeline as it always was, so that the versions of it still fit.
    text = json.dumps(parts[0] if len(parts) == 1 else parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _facts(targets: Sequence[TargetSpec]) -> list[dict[str, Any]]:
    """What a fingerprint is of: the same for targets and labels in another order."""
    return [
        {
            **replace(t, pipeline="", purpose="", attributes=()).to_dict(),
            "kind": label_types.shape_of(t),
            "labels": sorted(t.labels),
        }
        for t in _in_order(targets)
    ]


def _in_order(targets: Sequence[TargetSpec]) -> list[TargetSpec]:
    return sorted(targets, key=lambda target: target.name)
