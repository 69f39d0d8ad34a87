"""A case for each operator action: its subject, its values, and the audit entry that it leaves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from registry.actions import label_renames, projects, scores, versions, webhooks
from registry.actions.operator import actions
from registry.actions.scores import Certainty
from registry.models import (
    AccessKey,
    AuditEntry,
    ModelVersion,
    Project,
    TrainingRun,
    Webhook,
)
from tests import factories as make

REASON = "Because of a test."
RENAME = "label: Negative -> Bad"
RENAMED = {"numbers": {"control": "label", "from": "Negative", "to": "Bad"}}


@dataclass
class Case:
    """`ready` makes a subject on which the action is available with these values.

    `entry` is part of the expected audit entry. `unavailable` makes a subject on which the action
    is unavailable; `refuses`: executing it there is refused with the same reason. `own_route` is
    method, path below /api/ and body of a REST route that is not generated from the action.
    """

    ready: Callable[[], Any]
    values: dict[str, Any] = field(default_factory=dict)
    entry: Callable[[Any], dict[str, Any]] = lambda subject: {}
    unavailable: Callable[[], Any] | None = None
    refuses: bool = True
    own_route: Callable[[Any], tuple[str, str, dict]] | None = None


def version(champion=False, project=None):
    return make.ModelVersionFactory(champion=champion, project=project or make.ProjectFactory())


def second_champion():
    return version(True, version(True).project)


def beside_champion():
    return version(project=version(True).project)


def archived():
    new = version()
    versions.archive(new, actor="tester")
    return new


def archived_project():
    project = make.ProjectFactory()
    projects.archive(project, actor="tester")
    return project


def unloadable():
    new = version()
    versions.mark_load_failed(new, "gone")
    return new


def revoked():
    key = make.AccessKeyFactory()
    make.keys.revoke(key, actor="tester")
    return key


def disabled():
    webhook = make.WebhookFactory()
    webhooks.disable(webhook, actor="tester")
    return webhook


def with_another_label():
    """A project whose config has another label instead of one."""
    project = make.ProjectFactory()
    before, after = {"label": ["Positive", "Negative"]}, {"label": ["Positive", "Bad"]}
    config = {"fingerprint": "1", "pipeline": project.pipeline}
    projects.set_config(project, project.label_config, labels_before=before, labels=after, **config)
    return project


def with_a_renamed_label():
    project = with_another_label()
    label_renames.rename(project, RENAME, actor="tester")
    return project


def with_a_task_to_label():
    """A project whose champion has scored a task without a label."""
    project = version(True).project
    task = make.TaskFactory(project=project)
    scores.save(project.champion, {task.pk: Certainty(0.5, 0.1, 0.1)})
    return project


def earlier(version):
    return version.project.versions.get(number=1)


def run(state):
    return make.TrainingRunFactory(state=state)


CASES: dict[tuple[type, str], Case] = {
    (ModelVersion, "promote"): Case(
        beside_champion,
        entry=lambda v: {"version": v, "from_version": earlier(v), "to_version": v},
        unavailable=lambda: version(True),
    ),
    (ModelVersion, "roll_back"): Case(
        second_champion,
        entry=lambda v: {"from_version": v, "to_version": earlier(v)},
        unavailable=lambda: version(True),
    ),
    (ModelVersion, "archive"): Case(
        beside_champion, entry=lambda v: {"version": v}, unavailable=lambda: version(True)
    ),
    (ModelVersion, "unarchive"): Case(
        archived, entry=lambda v: {"version": v}, unavailable=version
    ),
    (ModelVersion, "note"): Case(
        version,
        {"note": REASON},
        entry=lambda v: {"version": v, "numbers": {"from": ""}},
    ),
    (ModelVersion, "tags"): Case(
        version,
        {"tags": "short texts, emoji"},
        entry=lambda v: {"version": v, "reason": "emoji, short texts", "numbers": {"from": ""}},
    ),
    (ModelVersion, "clear_load_failure"): Case(
        unloadable,
        entry=lambda v: {"version": v, "numbers": {"from": "gone"}},
        unavailable=version,
    ),
    (Project, "roll_back"): Case(
        lambda: second_champion().project,
        entry=lambda p: {
            "from_version": p.versions.get(number=2),
            "to_version": p.versions.get(number=1),
        },
        unavailable=make.ProjectFactory,
    ),
    (Project, "train"): Case(
        make.ProjectFactory,
        entry=lambda p: {"run": p.runs.get()},
        unavailable=lambda: run("queued").project,
        refuses=False,  # the active run goes on instead
        own_route=lambda p: ("post", "runs/", {"project": p.pk, "reason": REASON}),
    ),
    (Project, "archive_project"): Case(make.ProjectFactory, unavailable=archived_project),
    (Project, "unarchive_project"): Case(archived_project, unavailable=make.ProjectFactory),
    (Project, "label_next_tab"): Case(
        with_a_task_to_label,
        entry=lambda p: {"numbers": {"tab": 7, "tasks": 1, "at_random": 0}},
        unavailable=make.ProjectFactory,
    ),
    (Project, "check_connection"): Case(make.ProjectFactory),
    (Project, "set_credentials"): Case(
        lambda: make.ProjectFactory(labelstudio_url="http://old"),
        {"url": "http://new", "key": "a-secret"},
        entry=lambda p: {"reason": "", "numbers": {"from": "http://old", "to": "http://new"}},
    ),
    (Project, "confirm_hostname"): Case(
        lambda: make.ProjectFactory(hostname="http://old", other_hostname="http://new"),
        {"hostname": "http://new"},
        entry=lambda p: {"numbers": {"from": "http://old", "to": "http://new"}},
        unavailable=lambda: make.ProjectFactory(hostname="http://old", hostname_confirmed=True),
        refuses=False,  # confirmed again, it stays confirmed
    ),
    (Project, "rename_label"): Case(
        with_another_label,
        {"rename": RENAME},
        entry=lambda p: RENAMED,
        unavailable=make.ProjectFactory,
        refuses=False,  # for the value, which is not offered
    ),
    (Project, "undo_rename"): Case(
        with_a_renamed_label,
        {"rename": RENAME},
        entry=lambda p: RENAMED,
        unavailable=make.ProjectFactory,
        refuses=False,
    ),
    (Project, "configure"): Case(
        make.ProjectFactory,
        {"promotion_rule": "never"},
        entry=lambda p: {
            "numbers": {
                "from": {"promotion_rule": "if_at_least_as_good"},
                "to": {"promotion_rule": "never"},
            }
        },
        own_route=lambda p: (
            "patch",
            f"projects/{p.pk}/",
            {"promotion_rule": "never", "reason": REASON},
        ),
    ),
    (TrainingRun, "cancel"): Case(
        lambda: run("running"), entry=lambda r: {"run": r}, unavailable=lambda: run("failed")
    ),
    (TrainingRun, "retry"): Case(
        lambda: run("failed"),
        entry=lambda r: {"run": TrainingRun.objects.get(retry_of=r)},
        unavailable=lambda: run("running"),
    ),
    (AccessKey, "new_key"): Case(
        lambda: None,
        {"name": "team"},
        own_route=lambda _: ("post", "access-keys/", {"name": "team", "reason": REASON}),
    ),
    (AccessKey, "revoke_key"): Case(
        make.AccessKeyFactory,
        entry=lambda k: {"numbers": {"key": k.pk, "name": k.name}},
        unavailable=revoked,
    ),
    (Webhook, "new_webhook"): Case(
        lambda: None,
        {"name": "ops", "url": "https://a.example/", "topics": ["run_failed"], "format": "json"},
        own_route=lambda _: (
            "post",
            "webhooks/",
            {
                "name": "ops",
                "url": "https://a.example/",
                "topics": ["run_failed"],
                "reason": REASON,
            },
        ),
    ),
    (Webhook, "new_webhook_secret"): Case(
        make.WebhookFactory,
        entry=lambda w: {"numbers": {"webhook": w.pk, "name": w.name}},
    ),
    (Webhook, "disable_webhook"): Case(
        make.WebhookFactory,
        entry=lambda w: {"numbers": {"webhook": w.pk, "name": w.name}},
        unavailable=disabled,
    ),
    (Webhook, "enable_webhook"): Case(
        disabled,
        entry=lambda w: {"numbers": {"webhook": w.pk, "name": w.name}},
        unavailable=make.WebhookFactory,
    ),
    (Webhook, "send_test"): Case(
        make.WebhookFactory,
        entry=lambda w: {
            "numbers": {
                "webhook": w.pk,
                "name": w.name,
                "delivery": str(w.deliveries.get().uid),
            }
        },
        unavailable=disabled,
    ),
}


def key_of(action):
    return action.subject, action.name


def named(action):
    return f"{action.subject.__name__}-{action.name}"


def each(*conditions):
    """Parametrize a test by the actions for which all conditions hold."""
    chosen = [action for action in actions() if all(holds(action) for holds in conditions)]
    return pytest.mark.parametrize("action", chosen, ids=named)


def has_button(action):
    return action.button is not None


def has_route(action):
    return action.in_rest or CASES[key_of(action)].own_route is not None


def has_subcommand(action):
    return action.in_commands


def can_be_unavailable(action):
    return CASES[key_of(action)].unavailable is not None


def assert_logged(action, case, subject, actor):
    """The actor has exactly the expected audit entry, or none where the action writes none."""
    found = list(AuditEntry.objects.filter(actor=actor))
    if action.verb is None:
        assert found == []
        return
    (entry,) = found
    assert entry.verb == action.verb
    expected = {"reason": REASON} | case.entry(subject)
    assert {name: getattr(entry, name) for name in expected} == expected
    assert "a-secret" not in str(entry.numbers)
