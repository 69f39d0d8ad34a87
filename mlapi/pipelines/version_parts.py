"""Divides the targets of a run into the parts of its version, each trained by itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlapi import pipelines
from mlapi.domain import Match, TargetSpec
from mlapi.pipelines.part_names import named


@dataclass(frozen=True)
class VersionPart:
    """Targets that one pipeline fills with the same options, which have defaults filled in."""

    name: str
    pipeline: str
    targets: tuple[TargetSpec, ...]
    options: dict[str, Any]


def of(matched: Match, options: Mapping[str, Mapping[str, Any]]) -> tuple[VersionPart, ...]:
    """The parts of these targets; `options` are those of each control.

    Raises UnknownOption or InvalidOption.
    """
    found = [
        (name, targets, chosen)
        for name in matched.pipelines
        for targets, chosen in _alike(name, matched.of(name), options)
    ]
    names = named([pipeline for pipeline, *_ in found])
    return tuple(VersionPart(name, *rest) for name, rest in zip(names, found, strict=True))


def _alike(
    name: str, targets: Sequence[TargetSpec], options: Mapping[str, Mapping[str, Any]]
) -> list[tuple[tuple[TargetSpec, ...], dict[str, Any]]]:
    """The pipeline's targets by their options; each alone where it trains one only."""
    pipeline = pipelines.get(name)
    found: dict[str, tuple[list[TargetSpec], dict[str, Any]]] = {}
    for target in targets:
        own = {n: v for n, v in options[target.name].items() if n in pipeline.options}
        chosen = pipeline.validate_options(own)
        key = target.name if pipeline.one_target else json.dumps(chosen, sort_keys=True)
        found.setdefault(key, ([], chosen))[0].append(target)
    return [(tuple(alike), chosen) for alike, chosen in found.values()]
