"""The commands, as they are called from a terminal and by programs."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from registry.models import AuditEntry, Project
from tests import factories as make
from tests.registry.reports.records import clusters, queries

pytestmark = pytest.mark.django_db


def printed(*args, **options):
    out = io.StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


def as_json(*args):
    """The command's JSON output."""
    return json.loads(printed(*args, "--json"))


@pytest.fixture
def project():
    """A project with two successive champions and a failed run."""
    project = make.ProjectFactory(title="Sentiment")
    make.ModelVersionFactory(project=project, champion=True)
    make.ModelVersionFactory(project=project, champion=True)
    make.TrainingRunFactory(project=project, state="failed")
    project.refresh_from_db()
    return project


def labels(project):
    return list(project.versions.order_by("number").values_list("label", flat=True))


def test_projects_are_listed_with_what_needs_attention(project):
    found = as_json("projects")
    (one,) = found["projects"]
    assert (one["uid"], one["champion"]) == (project.uid, project.champion.label)
    assert (one["primary"], one["primary_metric"], one["primary_n"]) == (0.8, "macro_f1", 40)
    assert one["last_run"]["state"] == "failed"
    assert {"no_worker", "run_failed"} == {a["code"] for a in found["attention"]}
    text = printed("projects")
    assert project.champion.label in text
    assert f"! {project.uid}: Run" in text


def test_what_needs_attention_ends_before_its_cure_begins(project):
    step = {"step": "token", "ok": False, "detail": "There is no token", "cure": "Set one."}
    report = {"ok": False, "failed": "token", "steps": [step]}
    Project.objects.filter(pk=project.pk).update(connection=report)
    assert "There is no token. Set one." in printed("projects")


def test_listing_projects_takes_no_query_for_each(project, django_assert_max_num_queries):
    for _ in range(3):
        make.ModelVersionFactory(champion=True)
    with django_assert_max_num_queries(12):
        printed("projects")


def test_versions_are_listed_newest_first(project):
    first, second = labels(project)
    found = as_json("versions", project.uid)
    assert [(v["label"], v["state"]) for v in found] == [(second, "champion"), (first, "available")]
    assert found[0]["primary"] == 0.8
    assert len(as_json("versions", project.uid, "--limit", "1")) == 1
    assert "0.800" in printed("versions", project.uid)


def test_a_version_is_listed_with_its_primary_metric(project):
    other = make.ProjectFactory(title="Animals")
    clusters(other, {"cats": 4}, champion=True)
    (one,) = as_json("versions", other.uid)
    assert (one["primary"], one["primary_metric"]) == (0.31, "silhouette")
    assert "silhouette" in printed("versions", other.uid)
    assert "macro F1" in printed("projects")
    assert "silhouette" in printed("projects")
    make.ProjectFactory(title="Empty")
    assert None in [p["primary_metric"] for p in as_json("projects")["projects"]]
    assert "## Examples of each label" in printed("card", other.uid)


def test_runs_are_listed_of_one_project_or_of_all(project):
    other = make.TrainingRunFactory()
    assert [r["id"] for r in as_json("runs")][0] == other.pk
    states = [r["state"] for r in as_json("runs", project.uid)]
    assert states == ["failed", "succeeded", "succeeded"]
    (failed,) = as_json("runs", "--state", "failed")
    assert (failed["error_code"], failed["hint"]) == ("training_failed", "Try again.")
    made = [r["version"] for r in as_json("runs", project.uid)]
    assert made == [None, *reversed(labels(project))]
    assert "training_failed: It failed." in printed("runs")


@pytest.mark.parametrize("by", ["uid", "pk", "labelstudio_id"])
def test_a_project_is_found_by_each_of_its_names(project, by):
    project.uid = "4711.1795420847"
    Project.objects.filter(pk=project.pk).update(uid=project.uid)
    assert as_json("versions", str(getattr(project, by)))


def test_a_row_that_does_not_exist_is_an_error(project):
    with pytest.raises(CommandError, match="no project"):
        printed("versions", "99.9")
    with pytest.raises(CommandError, match="no version 'v9'"):
        printed("promote", project.uid, "v9", "--reason", "r")
    with pytest.raises(CommandError, match="no project"):
        printed("versions", "9" * 40)


def test_a_version_is_promoted_by_a_recorded_action(project):
    first, second = labels(project)
    printed_text = as_json("promote", project.uid, "v1", "--reason", "Better on short texts.")
    assert (printed_text["from"], printed_text["to"]) == (second, first)
    project.refresh_from_db()
    assert project.champion.label == first
    entry = AuditEntry.objects.get(pk=printed_text["audit_entry"])
    assert (entry.verb, entry.reason) == ("promote", "Better on short texts.")
    assert entry.actor


def test_rollback_prints_the_version_that_serves_again(project):
    first, second = labels(project)
    assert printed("rollback", project.uid, "--reason", "r") == (
        f"{first} serves again instead of {second}.\n"
    )
    printed_text = as_json("rollback", project.uid, "--to", second, "--reason", "r")
    assert printed_text["to"] == second


def test_a_refusal_ends_the_command_with_its_cause(project):
    with pytest.raises(CommandError, match="is the champion already"):
        printed("promote", project.uid, "v2", "--reason", "r")
    printed("rollback", project.uid, "--reason", "r")
    with pytest.raises(CommandError, match=r"no earlier champion.*Promote a version instead"):
        printed("rollback", project.uid, "--reason", "r")


@pytest.mark.parametrize(
    ("reason", "fault"), [("  ", "must not be empty"), ("x" * 2001, "longer than 2,000")]
)
def test_a_command_takes_no_reason_that_rest_would_refuse(project, reason, fault):
    with pytest.raises(CommandError, match=fault):
        printed("action", "archive", project.uid, "v1", "--reason", reason)
    assert not AuditEntry.objects.filter(verb="archive").exists()


def test_a_webhook_is_found_by_its_id_and_by_a_name_that_no_other_has(project):
    webhook, other = make.WebhookFactory(name="ops"), make.WebhookFactory(name="team")
    why = ("--reason", "Noise.")
    assert printed("action", "disable_webhook", "ops", *why) == "The webhook ops is disabled.\n"
    enabled = json.loads(printed("action", "enable_webhook", str(webhook.pk), *why, "--json"))
    assert (enabled["verb"], enabled["numbers"]["webhook"]) == ("enable_webhook", webhook.pk)
    make.WebhookFactory(name="team")
    for name in ("team", "nobody", "9" * 40):
        with pytest.raises(CommandError, match="by its id, which is in the address of its page"):
            printed("action", "disable_webhook", name, *why)
    printed("action", "disable_webhook", str(other.pk), *why)


@pytest.mark.parametrize("command", [("promote", "v1"), ("rollback",)])
def test_nothing_moves_without_a_reason(project, command):
    name, *rest = command
    with pytest.raises(CommandError, match="--reason"):
        printed(name, project.uid, *rest)


def test_the_card_is_of_the_champion_or_of_the_version_named(project):
    first, second = labels(project)
    assert as_json("card", project.uid)["version"] == second
    assert as_json("card", project.uid, first)["version"] == first
    assert printed("card", project.uid, "v1").startswith(f"# {first} of Sentiment")


def test_without_a_champion_a_card_needs_a_name(project):
    with pytest.raises(CommandError, match="has no champion"):
        printed("card", make.ProjectFactory().uid)


def test_markup_in_a_title_is_printed_literally():
    make.ProjectFactory(title="[bold]Mail[/bold] [/]")
    assert "[bold]Mail[/bold] [/]" in printed("projects")


def test_versions_are_listed_in_two_queries_however_many_there_are(project):
    make.ModelVersionFactory(project=project)
    assert queries(lambda: as_json("versions", project.uid)) == 2
