"""Translates the labels that a version predicts to the names that they have today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlapi import label_types
from mlapi.domain import NoPrediction, Prediction, TargetSpec
from registry.label_renames import Renames
from registry.models import ModelVersion, Project


@dataclass(frozen=True)
class ServedNames:
    """By control, today's name of each label that has another one.

    A version predicts the labels of its time, so its targets are given to it with these, and its
    predictions are translated.
    """

    names: Mapping[str, Mapping[str, str]]

    def of_learned(self, learned: Sequence[TargetSpec]) -> "ServedNames":
        """Those of the labels that a version has learned, which `learned` are its targets.

        A target without labels has learned any words.
        """
        labels = {target.name: target.labels for target in learned}
        names = {
            control: {
                old: new
                for old, new in of_one.items()
                if not labels.get(control) or old in labels[control]
            }
            for control, of_one in self.names.items()
        }
        return ServedNames({control: of_one for control, of_one in names.items() if of_one})

    def of_targets(self, targets: Sequence[TargetSpec]) -> tuple[TargetSpec, ...]:
        """Today's targets with the labels of the version's time, and the attributes of these."""
        if not self.names:
            return tuple(targets)
        return tuple(
            _of_then(target, self.names[target.name]) if target.name in self.names else target
            for target in targets
        )

    def of_drawn(self, drawn: Mapping[str, Any], targets: Sequence[TargetSpec]) -> dict[str, Any]:
        """By control values of today with the labels of the version's time."""
        types = {target.name: label_types.of(target) for target in targets}
        return {
            name: types[name].renamed(value, {new: old for old, new in self.names[name].items()})
            if name in self.names
            else value
            for name, value in drawn.items()
        }

    def of_answers(
        self, answers: Mapping[str, Prediction | NoPrediction]
    ) -> dict[str, Prediction | NoPrediction]:
        """The predictions for a task with today's labels."""
        return {
            control: _renamed(answer, self.names[control])
            if isinstance(answer, Prediction) and control in self.names
            else answer
            for control, answer in answers.items()
        }


def served_names(
    project: Project, version: ModelVersion, targets: Sequence[TargetSpec] = ()
) -> ServedNames:
    """The names for a version; a label that `targets` have stays if its new name is in none.

    No query where the project has no rename.
    """
    renames = Renames(project.label_renames)
    if not renames:
        return ServedNames({})
    at = version.learned_at
    allowed = {target.name: target.labels for target in targets}
    names = {
        control: renames.names(control, at, allowed.get(control, ()))
        for control in renames.controls()
    }
    return ServedNames({control: found for control, found in names.items() if found})


def _of_then(target: TargetSpec, names: Mapping[str, str]) -> TargetSpec:
    then: dict[str, list[str]] = {}
    for old, new in names.items():
        then.setdefault(new, []).append(old)
    return replace(
        target,
        labels=tuple(old for label in target.labels for old in then.get(label, [label])),
        attributes=tuple(
            (old, name, value)
            for label, name, value in target.attributes
            for old in then.get(label, [label])
        ),
    )


def _renamed(prediction: Prediction, names: Mapping[str, str]) -> Prediction:
    label_type = label_types.of(prediction)
    regions = (
        region._replace(value=label_type.renamed_region(region.value, names))
        for region in prediction.regions
    )
    return prediction._replace(regions=tuple(regions))
