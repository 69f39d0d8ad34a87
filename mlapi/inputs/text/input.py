"""The text of a task as an input."""

from dataclasses import dataclass
from typing import Any

from mlapi.domain import TargetSpec
from mlapi.inputs.base import Input
from mlapi.inputs.text import reading


@dataclass(frozen=True)
class TextInput(Input):
    """The texts of the objects that a control is on, one after the other."""

    medium = "text"

    def read(self, task_data: dict[str, Any], target: TargetSpec) -> str:
        return reading.read_input(task_data, target)

    def key(self, value: str) -> str:
        return reading.canonical(value)

    def shown(self, task_data: dict[str, Any], target: TargetSpec) -> str:
        return reading.read_text(task_data, target)
