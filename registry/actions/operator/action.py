"""The base of every operator action, its parameters, and the table of all of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from django.db.models import Model

from registry.errors import EvalsError
from registry.models import AuditEntry, ModelVersion, TrainingRun
from registry.permissions import User

REASON_MAX = 2_000  # characters

Row = TypeVar("Row", bound=Model)


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


class Via(StrEnum):
    """The interface that an operator uses."""

    ADMIN = "admin"
    API = "api"
    COMMAND = "command"


@dataclass(frozen=True)
class Caller:
    """Who asks for an action, by name, and through which interface."""

    name: str
    via: Via


class Change(NamedTuple):
    """One thing that an action will change, as people read it."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Result:
    """The result of an action: a message for people, its audit entry, and the row it returns.

    `row` is None for an action that returns its subject. `is_new`: the action has created `row`.
    `secret` is a secret that it has made, which is shown once.
    """

    message: str
    entry: AuditEntry | None = None
    row: Any = None
    is_new: bool = False
    secret: str = ""


@dataclass(frozen=True)
class Button:
    """The button of an action in the admin, on the page of its subject.

    `path` ends the address of its dialog, if not as the action's own does; buttons of one `group`
    are in one menu under that title; `place` orders them.
    """

    icon: str = "bolt"
    variant: str = "default"
    path: str = ""
    group: str = ""
    place: int = 100


class Action(ABC, Generic[Row]):
    """Something that an operator can do to a `subject`: its permission, check, effect and entry.

    `button`, `in_rest` and `in_commands` say where it is offered: a button with a dialog in the
    admin, `POST /api/<subject>/<id>/<path>/`, and `manage.py action <name>`. Where one of them is
    off, the file says why. `path` and `verb` (of its audit entry; None: it writes none) are the
    name, where it says no others. REST answers the subject; with `answers_with_new_row` the row of
    the result, with `answers_with_secret` the subject and the result's secret.
    """

    name: ClassVar[str]
    path: ClassVar[str]
    verb: ClassVar[str | None]
    title: ClassVar[str]
    description: ClassVar[str]
    permission: ClassVar[str]
    subject: ClassVar[type[Model]]
    form: ClassVar[Form] = REASON
    button: ClassVar[Button | None] = Button()
    in_rest: ClassVar[bool] = True
    in_commands: ClassVar[bool] = True
    answers_with_new_row: ClassVar[bool] = False
    answers_with_secret: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        if "name" in cls.__dict__:
            cls.path = cls.__dict__.get("path", cls.name)
            cls.verb = cls.__dict__.get("verb", cls.name)

    def allowed(self, user: User) -> bool:
        """Whether the user may do it at all."""
        return user.has_perm(self.permission)  # type: ignore[union-attr]

    def unavailable(self, subject: Row) -> EvalsError | None:
        """The reason why it is not offered now, with its cure; None if it is.

        It takes no lock and saves people the try. `execute` decides under its lock, and raises
        the same where it refuses.
        """
        return None

    def changes(self, subject: Row) -> list[Change]:
        """What it will change."""
        return []

    def warning(self, subject: Row) -> str:
        """What to know before doing it."""
        return ""

    def precondition(self, subject: Row) -> str:
        """The state on which people decide, by name, which a dialog sends as `precondition`.

        `execute` refuses where it is another by then. "" for an action that always means the same.
        """
        return ""

    def faults(self, values: dict[str, Any]) -> dict[str, str]:
        """What is wrong with the parameters together, by the name of the one to correct."""
        return {}

    @abstractmethod
    def execute(self, subject: Row, values: dict[str, Any], caller: Caller) -> Result:
        """Do it and write its audit entry in the same transaction. Raises EvalsError."""


_registered: dict[tuple[type[Model], str], Action] = {}
A = TypeVar("A", bound=type[Action])


def register(action: A) -> A:
    """A class decorator: the action is offered from now on."""
    key = (action.subject, action.name)
    if key in _registered:
        raise ValueError(f"There is an action {action.name} on {action.subject.__name__} already.")
    _registered[key] = action()
    return action


def actions() -> list[Action]:
    """All of them, in the order of their buttons."""
    return sorted(_registered.values(), key=lambda one: (one.button or Button()).place)


def actions_on(model: type[Model]) -> list[Action]:
    """Those whose subject is a row of the model."""
    return [one for one in actions() if one.subject is model]


def newest_entry(run: TrainingRun) -> AuditEntry | None:
    """The audit entry that was written last of the run."""
    return AuditEntry.objects.filter(run=run).order_by("-id").first()
