"""Paths of a Taxonomy, each as one label: one of them, or any number."""

from collections.abc import Mapping
from typing import Any

from mlapi.domain import TargetSpec
from mlapi.label_types import regions as of_regions
from mlapi.label_types.base import Control
from mlapi.label_types.choice import Choice
from mlapi.label_types.choices import Choices


class TaxonomyChoice(Choice):
    """A value is a path, of a Taxonomy that takes one or for a model that gives one."""

    name = "taxonomy_choice"
    tags = ("Taxonomy",)

    def labels_in(self, value: Mapping[str, Any], target: TargetSpec) -> list[str]:
        return of_regions.path_labels(value)

    def region(self, label: str, control: Control) -> tuple[str, dict[str, Any]] | None:
        return _region([label], control)


class Taxonomy(Choices):
    """A value is a set of paths."""

    name = "taxonomy"
    tags = ("Taxonomy",)

    def labels_in(self, value: Mapping[str, Any]) -> list[str]:
        return of_regions.path_labels(value)

    def region(self, labels: list[str], control: Control) -> tuple[str, dict[str, Any]] | None:
        return _region(labels, control)


def _region(labels: list[str], control: Control) -> tuple[str, dict[str, Any]] | None:
    if control.tag != "Taxonomy" or control.dynamic or not set(labels) <= set(control.labels):
        return None
    return "taxonomy", {"taxonomy": [list(control.paths[label]) for label in labels]}
