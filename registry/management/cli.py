"""The base of commands: finds the named rows, executes operator actions, prints tables or JSON."""

import getpass
import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Model, Q
from rich.console import Console
from rich.table import Table
from rich.text import Text

from registry.actions.operator import Action, Caller, Result, Via
from registry.errors import EvalsError
from registry.models import AccessKey, AuditEntry, ModelVersion, Project, TrainingRun, Webhook
from registry.models.version import FEW

_LARGEST_ID = 2**63 - 1


def find_project(name: str) -> Project:
    """By uid, by our id, or by Label Studio's id where only one project has it."""
    projects = Project.objects.select_related("champion")
    for condition in (Q(uid=name), _by_id(name), Q(uid__startswith=f"{name}.")):
        matches = list(projects.filter(condition)[:2])
        if len(matches) == 1:
            return matches[0]
    raise CommandError(f"There is no project {name!r}; see `manage.py projects`.")


def find_version(project: Project, name: str) -> ModelVersion:
    """By label (`v7-3fa2c1`) or number (`v7`, `7`)."""
    versions = ModelVersion.objects.filter(project=project)
    number = name.removeprefix("v")
    is_number = number.isascii() and number.isdecimal() and len(number) < 10
    condition = Q(number=int(number)) if is_number else Q(label=name)
    version = versions.filter(condition).select_related("project", "run").first()
    if version is None:
        raise CommandError(
            f"{project} has no version {name!r}; see `manage.py versions {project.uid}`."
        )
    return version


def add_project(parser: ArgumentParser, *, optional: bool = False) -> None:
    """Adds the argument that names a project, for `find_project`."""
    nargs = "?" if optional else None
    parser.add_argument("project", nargs=nargs, help="its uid, our id, or Label Studio's id")


def add_version(parser: ArgumentParser, *, optional: bool = False) -> None:
    """Adds the argument that names a version of the project; `optional`: else its champion."""
    if optional:
        parser.add_argument("version", nargs="?", help="as v7-3fa2c1 or v7; else the champion")
    else:
        parser.add_argument("version", help="as v7-3fa2c1 or v7")


def version_of(options: Mapping[str, Any]) -> ModelVersion:
    """The version that the arguments `project` and `version` name."""
    project = find_project(options["project"])
    name = options["version"] or project.served_version
    if name is None:
        raise CommandError(f"{project} has no champion: name a version.")
    return find_version(project, name)


def find_run(run_id: int) -> TrainingRun:
    """By id."""
    run = TrainingRun.objects.select_related("project").filter(pk=run_id).first()
    if run is None:
        raise CommandError(f"There is no run {run_id}; see `manage.py runs`.")
    return run


def find_key(key_id: int) -> AccessKey:
    """By id."""
    key = AccessKey.objects.select_related("project").filter(pk=key_id).first()
    if key is None:
        raise CommandError(f"No key has the id {key_id}; see `access_key list`.")
    return key


def find_webhook(name: str) -> Webhook:
    """By name where only one has it, or by id."""
    webhooks = Webhook.objects.select_related("project")
    for condition in (Q(name=name), _by_id(name)):
        matches = list(webhooks.filter(condition)[:2])
        if len(matches) == 1:
            return matches[0]
    raise CommandError(
        f"No webhook, or more than one, is called {name!r}; name it by its id, which is in the"
        " address of its page in the admin, and in `GET /api/webhooks/`."
    )


def _by_id(name: str) -> Q:
    is_id = name.isascii() and name.isdecimal() and int(name) <= _LARGEST_ID
    return Q(pk=int(name)) if is_id else Q(pk__in=[])


Row = Mapping[str, Any]


class ReportCommand(BaseCommand):
    """A command whose `show` returns plain values; `--json` prints them as JSON.

    A refused action ends it with status 1 and prints the cause and the cure.
    """

    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Adds `--json` and the command's own arguments."""
        parser.add_argument("--json", action="store_true", help="JSON instead of a table")
        self.arguments(parser)

    def arguments(self, parser: ArgumentParser) -> None:
        """The command's own."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the values of `show`."""
        try:
            values = self.show(options)
        except EvalsError as error:
            raise CommandError(error.sentence) from error
        if options["json"]:
            self.stdout.write(json.dumps(values, indent=2, ensure_ascii=False))
        else:
            self.print(values)

    def show(self, options: dict[str, Any]) -> Any:
        """The values to show, all of them JSON's."""
        raise NotImplementedError

    def print(self, values: Any) -> None:
        """Prints the values for people."""
        raise NotImplementedError

    @property
    def console(self) -> Console:
        """The console of tables; unlimited width if it is not a terminal."""
        console = Console(file=self.stdout)  # type: ignore[arg-type]
        if not console.is_terminal:
            console.width = 1000
        return console

    def say(self, text: str) -> None:
        """Prints a sentence without wrapping."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def table(self, rows: Sequence[Row], columns: Mapping[str, Callable[[Row], Any]]) -> None:
        """Prints rows as a table; a dash for missing values."""
        if not rows:
            self.say("None.")
            return
        table = Table(*columns)
        for row in rows:
            table.add_row(*(Text(_cell(column(row))) for column in columns.values()))
        self.console.print(table)


class ActionCommand(ReportCommand):
    """A command that executes an operator action and prints its message, or the entry as JSON."""

    operator_action: Action
    done: Result

    def arguments(self, parser: ArgumentParser) -> None:
        """Adds the action's subject and an option for each parameter."""
        add_arguments(parser, self.operator_action)

    def chosen(self, options: dict[str, Any]) -> Action:
        """The action to execute."""
        return self.operator_action

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """The audit entry; the message where there is none."""
        self.done = _execute(self.chosen(options), options)
        return _as_json(self.done.entry) if self.done.entry else {"message": self.done.message}

    def print(self, values: Any) -> None:
        """Prints the message."""
        self.say(self.done.message)


def add_arguments(parser: ArgumentParser, action: Action) -> None:
    """Adds the action's subject, then an option for each parameter."""
    if action.subject in (Project, ModelVersion):
        add_project(parser)
    if action.subject is ModelVersion:
        add_version(parser)
    if action.subject in (TrainingRun, AccessKey):
        parser.add_argument("id", type=int, help="as in the list")
    if action.subject is Webhook:
        parser.add_argument("webhook", help="its name, or its id")
    for text in action.form.texts:
        parser.add_argument(
            f"--{text.name}",
            required=text.required,
            default="",
            help=text.help.replace("%", "%%") or None,
        )
    for version in action.form.versions:
        parser.add_argument(
            f"--{version.name}", help=f"A version, as v7-3fa2c1 or v7. {version.help}".strip()
        )


def number(value: float | None) -> str | None:
    """A number with three decimals."""
    return None if value is None else f"{value:.3f}"


def sample(n: int) -> str | None:
    """The number of tasks behind a metric, marked where they are few."""
    return f"{n:,}{' (few)' if n < FEW else ''}" if n else None


def minute(at: str | None) -> str | None:
    """An ISO time to the minute."""
    return at[:16].replace("T", " ") if at else None


def _cell(value: Any) -> str:
    return "–" if value is None or value == "" else str(value)


def _as_json(entry: AuditEntry) -> dict[str, Any]:
    """The audit entry, with the labels of its versions; `numbers` name what else it is about."""
    return {
        "audit_entry": entry.pk,
        "verb": entry.verb,
        "project": entry.project.uid if entry.project else None,
        "from": entry.from_version.label if entry.from_version else None,
        "to": entry.to_version.label if entry.to_version else None,
        "actor": entry.actor,
        "reason": entry.reason,
        "numbers": entry.numbers,
        "at": entry.at.isoformat(),
    }


def _execute(action: Action, options: dict[str, Any]) -> Result:
    """Executes the action as the machine's user. Raises EvalsError or CommandError."""
    subject = _subject(action, options)
    values: dict[str, Any] = {text.name: options[text.name] for text in action.form.texts}
    for text in action.form.texts:
        if text.required and not text.may_be_empty and not values[text.name].strip():
            raise CommandError(f"--{text.name} must not be empty.")
        if text.max_length and len(values[text.name]) > text.max_length:
            raise CommandError(f"--{text.name} is longer than {text.max_length:,} characters.")
    for version in action.form.versions:
        name = options[version.name]
        values[version.name] = find_version(subject, name) if name else None
    if faults := action.faults(values):
        raise CommandError(" ".join(f"--{name}: {fault}" for name, fault in faults.items()))
    return action.execute(subject, values, Caller(getpass.getuser(), Via.COMMAND))


def _subject(action: Action, options: dict[str, Any]) -> Any:
    find: dict[type[Model], Any] = {
        Project: lambda: find_project(options["project"]),
        ModelVersion: lambda: find_version(find_project(options["project"]), options["version"]),
        TrainingRun: lambda: find_run(options["id"]),
        AccessKey: lambda: find_key(options["id"]),
        Webhook: lambda: find_webhook(options["webhook"]),
    }
    return find[action.subject]()
