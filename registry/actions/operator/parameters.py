"""The parameters of an action: dialog, REST body and command-line options are made from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from registry.models import ModelVersion

REASON_MAX = 2000  # characters
NOTE_MAX = 10_000


@dataclass(frozen=True)
class Text:
    """A text. One that is not required is empty when left out.

    `lines` is the height of its field in the dialog. `initial` and `choices` are worked out
    from the action's subject, for the dialog.
    """

    name: str
    help: str = ""
    required: bool = True
    may_be_empty: bool = False
    max_length: int | None = None
    lines: int = 1
    is_secret: bool = False
    initial: Callable[[Any], str] | None = None
    choices: Callable[[Any], Sequence[str]] | None = None


@dataclass(frozen=True)
class Version:
    """A version, by its id in REST, by its label or number on the command line.

    The dialog does not ask for it: who wants a certain version is on that version's page.
    """

    name: str
    help: str = ""
    model: type[Model] = ModelVersion


Parameter = Text | Version


@dataclass(frozen=True)
class Form:
    """The parameters of an action under the name that the REST schema has for them."""

    name: str
    description: str
    parameters: tuple[Parameter, ...] = ()

    @property
    def texts(self) -> list[Text]:
        """Those that a dialog asks for."""
        return [one for one in self.parameters if isinstance(one, Text)]

    @property
    def versions(self) -> list[Version]:
        """Those that are rows."""
        return [one for one in self.parameters if isinstance(one, Version)]


_WHY = Text(
    "reason", "Kept in the audit entry, for those who come after.", max_length=REASON_MAX, lines=3
)
_WHY_OR_NOTHING = Text(
    "reason",
    "Kept in the audit entry.",
    required=False,
    may_be_empty=True,
    max_length=REASON_MAX,
    lines=3,
)

NOTHING = Form("Nothing", "Nothing.")
REASON = Form("Reason", "Why.", (_WHY,))
OPTIONAL_REASON = Form("OptionalReason", "Why, or nothing.", (_WHY_OR_NOTHING,))
