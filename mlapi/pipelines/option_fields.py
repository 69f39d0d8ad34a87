"""The options that apply to a label config, as people enter them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlapi import pipelines
from mlapi.domain import TargetSpec
from mlapi.labelstudio.label_config import Control, LabelConfig
from mlapi.pipelines import PIPELINES
from mlapi.pipelines.base import Pipeline
from mlapi.pipelines.control_options import of_project, own_of
from mlapi.pipelines.options import Option
from registry.engine import OptionField


def fields(config: LabelConfig, options: Mapping[str, Any]) -> list[OptionField]:
    """Those of the project, then those of each control where there are several controls."""
    matched = pipelines.match(config, options)
    serving = [PIPELINES[name] for name in matched.pipelines]
    choosing = [p for p in PIPELINES.values() if p.chosen_by and _fillable(p, config)]
    found = [
        _field(name, "", option, config.controls, pipeline, config)
        for name, (pipeline, option) in _known(serving, choosing).items()
    ]
    by_control = {target.name: PIPELINES[target.pipeline] for target in matched.targets}
    for control in config.controls:
        if len(config.controls) > 1 or own_of(options, control.name):
            found += _of_control(control, by_control.get(control.name), choosing, config)
    shared, own = of_project(options), {c.name: own_of(options, c.name) for c in config.controls}
    return [_with_stored(f, (own[f.control] if f.control else shared).get(f.name)) for f in found]


def _known(serving: list[Pipeline], choosing: list[Pipeline]) -> dict[str, tuple[Pipeline, Option]]:
    """By name the options of the serving pipelines, and those that choose another one.

    Of a name that several have with different defaults the default is left out.
    """
    known: dict[str, tuple[Pipeline, Option]] = {}
    chosen_by = [(p, {p.chosen_by: p.options[p.chosen_by]}) for p in choosing]
    for pipeline, options in [*((p, p.options) for p in serving), *chosen_by]:
        for name, option in options.items():
            first = known.setdefault(name, (pipeline, option))[1]
            if first.default != option.default:
                known[name] = (pipeline, replace(option, default=None))
    return known


def _of_control(
    control: Control, filled_by: Pipeline | None, choosing: list[Pipeline], config: LabelConfig
) -> Iterator[OptionField]:
    own = [filled_by] if filled_by else []
    fitting = [p for p in choosing if _choices(p.options[p.chosen_by], [control], p, config, True)]
    for name, (pipeline, option) in _known(own, fitting).items():
        if option.of_control:
            yield _field(name, control.name, option, [control], pipeline, config)


def _field(
    name: str,
    control: str,
    option: Option,
    controls: Sequence[Control],
    pipeline: Pipeline,
    config: LabelConfig,
) -> OptionField:
    return OptionField(
        name=name,
        control=control,
        title=option.title or name,
        help=option.help or f"Must be a {option.must_be}.",
        default=option.default,
        choices=_choices(option, controls, pipeline, config, bool(control)),
        is_whole=option.kind == "whole",
        is_number=option.kind == "number",
        low=option.low,
        high=option.high,
    )


def _fillable(pipeline: Pipeline, config: LabelConfig) -> bool:
    option = pipeline.options[pipeline.chosen_by]
    return bool(_choices(option, config.controls, pipeline, config, False))


def _choices(
    option: Option,
    controls: Sequence[Control],
    pipeline: Pipeline,
    config: LabelConfig,
    is_own: bool,
) -> tuple[tuple[Any, str], ...]:
    """The values that can be chosen with their titles; () where it is not chosen from a list."""
    if option.kind == "word":
        return tuple((word, word) for word in option.words)
    if option.kind == "control":
        fits = [c for c in controls if _fills(pipeline, c, config, True if is_own else c.name)]
        return tuple((True, "yes") if is_own else (c.name, c.name) for c in fits)
    if option.kind != "label":
        return ()
    fits = [c for c in controls if c.labels and _fills(pipeline, c, config, c.labels[0])]
    if is_own or len(fits) == 1:
        return tuple((label, label) for c in fits for label in c.labels)
    return tuple(
        ({"control": c.name, "label": label}, f"{c.name}: {label}")
        for c in fits
        for label in c.labels
    )


def _fills(pipeline: Pipeline, control: Control, config: LabelConfig, value: Any) -> bool:
    return isinstance(pipeline.target(control, config, {pipeline.chosen_by: value}), TargetSpec)


def _with_stored(field: OptionField, value: Any) -> OptionField:
    """The field with a stored value among its choices that the label config does not have."""
    if value is None or not field.choices or value in [choice for choice, _ in field.choices]:
        return field
    extra = (value, f"{value} (as it is set)")
    return replace(field, choices=(*field.choices, extra))
