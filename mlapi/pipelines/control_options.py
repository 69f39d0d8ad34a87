"""The options of each control: those of the project, and the control's own in their place.

A project's options are `{"automl": "off", "controls": {"looks": {"similar_to": "cat", "k": 5}}}`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mlapi.domain import TargetSpec
from mlapi.labelstudio.label_config import Control, LabelConfig
from mlapi.pipelines.base import Pipeline

CONTROLS = "controls"


def of_project(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that all controls have."""
    return {name: value for name, value in options.items() if name != CONTROLS}


def own_of(options: Mapping[str, Any], control: str) -> dict[str, Any]:
    """The options that the control has for itself."""
    return options.get(CONTROLS, {}).get(control, {})


def overridden(
    options: Mapping[str, Any], overrides: Mapping[str, Any], choices: Collection[str]
) -> dict[str, Any]:
    """The options with the overrides in their place, but for the `choices` of pipelines."""

    def over(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
        return {**values, **{n: v for n, v in others.items() if n not in choices}}

    controls = {*options.get(CONTROLS, {}), *overrides.get(CONTROLS, {})}
    own = {name: over(own_of(options, name), own_of(overrides, name)) for name in controls}
    return {**over(of_project(options), of_project(overrides)), CONTROLS: own}


def by_control(
    config: LabelConfig, options: Mapping[str, Any], pipelines: Sequence[Pipeline]
) -> dict[str, dict[str, Any]]:
    """By control the options that are set for it, without defaults.

    An option of the project that chooses a pipeline is that of the first control that the pipeline
    fills with it, of those without such an option of their own; of all of these if it fills none,
    so that each has the reason.
    """
    free = without_choice(config, options, pipelines)
    shared = of_project(options)
    usual = {n: v for n, v in shared.items() if n not in {p.chosen_by for p in pipelines}}
    found = {control.name: dict(usual) for control in config.controls}
    for pipeline in pipelines:
        if pipeline.is_chosen(shared):
            filled = (c for c in free if isinstance(pipeline.target(c, config, shared), TargetSpec))
            first = next(filled, None)
            for control in free if first is None else [first]:
                found[control.name][pipeline.chosen_by] = shared[pipeline.chosen_by]
    return {name: {**values, **own_of(options, name)} for name, values in found.items()}


def without_choice(
    config: LabelConfig, options: Mapping[str, Any], pipelines: Sequence[Pipeline]
) -> list[Control]:
    """The controls whose own options choose no pipeline."""
    return [
        control
        for control in config.controls
        if not any(p.is_chosen(own_of(options, control.name)) for p in pipelines)
    ]
