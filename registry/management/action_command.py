"""The command line of an operator action: its arguments, what it does, and what it prints."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Model

from registry.actions.operator import Action, Caller, Done, Via
from registry.management.cli import ReportCommand, find_key, find_project, find_run, find_version
from registry.models import AccessKey, AuditEntry, ModelVersion, Project, TrainingRun


def as_json(entry: AuditEntry) -> dict[str, Any]:
    """What was done, from which version to which, by whom and why; the versions by their labels."""
    return {
        "audit_entry": entry.pk,
        "verb": entry.verb,
        "project": entry.project.uid if entry.project else None,
        "from": entry.from_version.label if entry.from_version else None,
        "to": entry.to_version.label if entry.to_version else None,
        "actor": entry.actor,
        "reason": entry.reason,
        "at": entry.at.isoformat(),
    }


def add_arguments(parser: ArgumentParser, action: Action) -> None:
    """Adds the action's subject, then an option for each parameter."""
    if action.subject in (Project, ModelVersion):
        parser.add_argument("project", help="its uid, our id, or Label Studio's id")
    if action.subject is ModelVersion:
        parser.add_argument("version", help="as v7-3fa2c1 or v7")
    if action.subject in (TrainingRun, AccessKey):
        parser.add_argument("id", type=int, help="as in the list")
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


def execute(action: Action, options: dict[str, Any]) -> Done:
    """Executes the action as the machine's user. Raises EvalsError or CommandError."""
    subject = _subject(action, options)
    given: dict[str, Any] = {text.name: options[text.name] for text in action.form.texts}
    for text in action.form.texts:
        if text.required and not text.may_be_empty and not given[text.name].strip():
            raise CommandError(f"--{text.name} must not be empty.")
        if text.max_length and len(given[text.name]) > text.max_length:
            raise CommandError(f"--{text.name} is longer than {text.max_length:,} characters.")
    for version in action.form.versions:
        name = options[version.name]
        given[version.name] = find_version(subject, name) if name else None
    if faults := action.faults(given):
        raise CommandError(" ".join(f"--{name}: {fault}" for name, fault in faults.items()))
    return action.execute(subject, given, Caller(getpass.getuser(), Via.COMMAND))


def _subject(action: Action, options: dict[str, Any]) -> Any:
    find: dict[type[Model], Any] = {
        Project: lambda: find_project(options["project"]),
        ModelVersion: lambda: find_version(find_project(options["project"]), options["version"]),
        TrainingRun: lambda: find_run(options["id"]),
        AccessKey: lambda: find_key(options["id"]),
    }
    return find[action.subject]()


class DoneCommand(ReportCommand):
    """A command that executes an action and prints its message, or its audit entry as JSON."""

    done: Done

    def action(self, options: dict[str, Any]) -> Action:
        """The action to execute."""
        raise NotImplementedError

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """The audit entry; the sentence where there is none."""
        self.done = execute(self.action(options), options)
        return as_json(self.done.entry) if self.done.entry else {"message": self.done.message}

    def print(self, found: Any) -> None:
        """A sentence."""
        self.say(self.done.message)
