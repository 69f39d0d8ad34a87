"""Translates the labels that a version predicts to the names that they have today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlapi import label_types
from mlapi.domain import NoPrediction, Prediction, TargetSpec
from registry.label_renames import Renames
from registry.models import ModelVersion, Project


@dataclass(frozen=True)
class ServedNames:
    """By control, today's name of each label that has another one."""

    names: Mapping[str, Mapping[str, str]]

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


def _renamed(prediction: Prediction, names: Mapping[str, str]) -> Prediction:
    label_type = label_types.of(prediction)
    regions = (
        replace(region, value=label_type.renamed(region.value, names))
        for region in prediction.regions
    )
    return replace(prediction, regions=tuple(regions))
