"""What a route is, as the command line needs to know it."""

import keyword
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Parameter:
    """A parameter of a route, in its path, its query or its body.

    `type` is that of JSON. `argument` is its name in Python.
    """

    name: str
    place: Literal["path", "query", "body"]
    type: str
    required: bool = False
    choices: tuple[str, ...] = ()
    help: str = ""

    @property
    def argument(self) -> str:
        return f"{self.name}_" if keyword.iskeyword(self.name) else self.name


@dataclass(frozen=True)
class Operation:
    """A route of a resource. `answers`: one value, a list, a list in pages, a file or a text."""

    resource: str
    name: str
    method: str
    path: str
    answers: Literal["value", "list", "pages", "file", "text"]
    summary: str
    parameters: tuple[Parameter, ...] = ()
