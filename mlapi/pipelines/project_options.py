"""Checks the options of a project against its label config, and fills in their defaults."""

from collections.abc import Iterable, Mapping
from typing import Any

from mlapi import pipelines
from mlapi.domain import InvalidOption, Match, UnknownOption
from mlapi.errors import NotServed
from mlapi.labelstudio.label_config import Control, LabelConfig
from mlapi.pipelines import PIPELINES, refusals
from mlapi.pipelines.base import Pipeline
from mlapi.pipelines.control_options import CONTROLS, of_project, own_of, without_choice
from mlapi.pipelines.options import Option, agreed
from registry.errors import EvalsError

_NOTHING: dict[str, Any] = {}


class UnknownControl(EvalsError):
    """The options are of a control that the label config does not have."""

    code = "option_control_unknown"


class OptionOfOtherPipeline(EvalsError):
    """An option of a pipeline that does not fill the control, or none of the project."""

    code = "option_of_other_pipeline"


def validate(
    config: LabelConfig, options: dict[str, Any], stored: Mapping[str, Any] = _NOTHING
) -> dict[str, Any]:
    """The options with the defaults of the project's pipelines; a control's own stay as they are.

    What is `stored` already and belongs to no pipeline any more is left out: it is of an earlier
    label config. Raises EvalsError, which names the option and the control.
    """
    own = _own(config, options, stored)
    requested = {**of_project(options), CONTROLS: own}
    _check_choices(config, requested)
    matched = pipelines.match(config, requested)
    if not matched.targets:
        raise NotServed(
            f"These options serve nothing: {pipelines.why_not(matched)}.", hint=_CORRECT
        )
    checked = {
        name: found
        for name, values in own.items()
        if (found := _checked_own(name, values, matched, own_of(stored, name)))
    }
    validated = _of_project(config, matched, of_project(options), of_project(stored))
    return {**validated, CONTROLS: checked} if checked else validated


_CORRECT = "Set them to what the label config has, or to null."


def _own(
    config: LabelConfig, options: dict[str, Any], stored: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The controls' own options that are set, of controls that the config has."""
    if not isinstance(options, dict):
        raise InvalidOption("The options are not an object.")
    by_name = options.get(CONTROLS) or {}
    names = [control.name for control in config.controls]
    found = {}
    for name, values in by_name.items() if isinstance(by_name, dict) else [("", by_name)]:
        if not isinstance(values, dict | None):
            raise InvalidOption(
                f"{CONTROLS} is no object with an object of options for each control.",
                hint=f'Such as {{"{CONTROLS}": {{"{(names or ["label"])[0]}": {{...}}}}}}.',
            )
        values = {option: value for option, value in (values or {}).items() if value is not None}
        if values and name in names:
            found[name] = values
        elif values and values != own_of(stored, name):
            raise UnknownControl(
                f"The label config has no control {name!r}.", hint=f"It has {', '.join(names)}."
            )
    return found


def _check_choices(config: LabelConfig, options: Mapping[str, Any]) -> None:
    """Raises NotServed for an option that chooses a pipeline which then fills nothing.

    And InvalidOption where several choose one for the same control.
    """
    of_control = pipelines.options_of(config, options)
    free = without_choice(config, options, tuple(PIPELINES.values()))
    for pipeline in PIPELINES.values():
        if pipeline.is_chosen(of_project(options)) and pipeline.applies_to(config):
            message = _why_useless(pipeline, config, free, of_control)
            if message:
                raise NotServed(f"These options serve nothing: {message}.", hint=_CORRECT)
    for control in config.controls:
        chosen = [p for p in PIPELINES.values() if p.is_chosen(of_control[control.name])]
        if len(chosen) > 1:
            names = " and ".join(p.chosen_by for p in chosen)
            raise InvalidOption(
                f"{names} are both set for {control.name}.",
                hint=f"Set one of them, the other to null; or each of its own control, "
                f"under {CONTROLS}.",
            )
        for pipeline in chosen if control not in free else ():
            message = _why_useless(pipeline, config, [control], of_control)
            if message:
                raise NotServed(
                    f"The options of {control.name} serve nothing: {message}.", hint=_CORRECT
                )


def _why_useless(
    pipeline: Pipeline,
    config: LabelConfig,
    controls: Iterable[Control],
    of_control: Mapping[str, Mapping[str, Any]],
) -> str:
    """Why the pipeline fills none of the controls; "" if it fills one."""
    refused = []
    for control in controls:
        found = pipeline.target(control, config, of_control[control.name])
        if not isinstance(found, str):
            return ""
        refused.append(refusals.unserved(control, found))
    if not refused:
        return "Each control has its pipeline chosen by options of its own"
    return max(refused, key=refusals.nearness).message


def _checked_own(
    control: str, values: dict[str, Any], matched: Match, stored: Mapping[str, Any]
) -> dict[str, Any]:
    """The control's own options that its pipeline has."""
    name = next((t.pipeline for t in matched.targets if t.name == control), None)
    if name is None:
        if values == stored:
            return {}
        why = next((u.message for u in matched.unserved if u.control == control), "")
        raise NotServed(f"{control} has no options, because it is not served: {why}.", hint="")
    own = {n: o for n, o in PIPELINES[name].options.items() if o.of_control}
    found = {}
    for option, value in values.items():
        if option in own:
            _check(option, own[option], value, f" of {control}")
            found[option] = value
        elif option in PIPELINES[name].options:
            raise InvalidOption(
                f"{option} is set for the whole project, not for {control}.",
                hint=f"Move it out of {CONTROLS}.",
            )
        elif values != stored:
            raise _unfit(option, own, f"{control} is filled by {name}")
    PIPELINES[name].validate_options(found)  # what can't be used here is refused before a run
    return found


def _of_project(
    config: LabelConfig, matched: Match, values: dict[str, Any], stored: Mapping[str, Any]
) -> dict[str, Any]:
    """The options of all controls, with the defaults on which the pipelines agree."""
    serving = [PIPELINES[name] for name in matched.pipelines]
    choices = {
        p.chosen_by: p.options[p.chosen_by]
        for p in PIPELINES.values()
        if p.chosen_by and p.applies_to(config)
    }
    known = {**choices, **{n: o for pipeline in serving for n, o in pipeline.options.items()}}
    for name, value in values.items():
        if name not in known and value is not None and value != stored.get(name):
            raise _unfit(name, known, f"the project has {matched.pipeline} only")
    for name, option in choices.items():
        if name in values:
            _check(name, option, values[name])
    validated = [
        pipeline.validate_options({n: v for n, v in values.items() if n in pipeline.options})
        for pipeline in serving
    ]
    unset = {name: values.get(name) for name in choices}
    return agreed([*validated, {n: v for n, v in unset.items() if not _has(validated, n)}])


def _has(validated: Iterable[Mapping[str, Any]], name: str) -> bool:
    return any(name in options for options in validated)


def _check(name: str, option: Option, value: Any, of: str = "") -> None:
    if not option.is_valid(value):
        raise InvalidOption(f"{name}{of} is no {option.must_be}.")


def _unfit(name: str, known: Iterable[str], because: str) -> EvalsError:
    """The error for an option that does not apply, whether another pipeline has it or none."""
    hint = f"Known: {', '.join(known)}."
    owners = [p for p in PIPELINES.values() if name in p.options]
    if not owners:
        return UnknownOption(f"There is no option {name!r}.", hint=hint)
    of = " and ".join(pipeline.name for pipeline in owners)
    return OptionOfOtherPipeline(f"{name} is an option of {of}, and {because}.", hint=hint)
