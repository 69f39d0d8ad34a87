"""A label that is renamed in the label config keeps what was learned, once that is confirmed."""

import pytest
from django.core.management import call_command

from mlapi import serving
from mlapi.mirror.counts import tasks_annotated
from mlapi.mirror.process_events import process_pending_events
from registry.actions import events, label_renames
from registry.actions.operator import actions
from registry.errors import Refused
from registry.models import AuditEntry, Outcome, Project
from registry.reports.label_renames import rename_impact
from tests.factories import ModelVersionFactory, OutcomeFactory, ProjectFactory
from tests.mlapi.labelstudio.webhooks import CONFIG, annotated
from tests.mlapi.trained import artifact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_loaded_versions")]

GOOD = CONFIG.replace('"Positive"', '"Good"')
RENAME = "label: Positive -> Good"


@pytest.fixture
def project():
    """Ten tasks, five of them annotated as Positive."""
    project = ProjectFactory(label_config="", fingerprint="", pipeline="")
    set_config(project, CONFIG)
    for i in range(1, 11):
        chosen = "Positive" if i % 2 else "Negative"
        payload = annotated(i, i, chosen)
        payload["task"]["data"] = {"text": f"text {i}"}
        events.record(project, "ANNOTATION_CREATED", payload)
    process_pending_events(project.pk)
    project.refresh_from_db()
    return project


@pytest.fixture
def version(project):
    """The champion, which has learned Positive and Negative."""
    return ModelVersionFactory(project=project, content=artifact(), champion=True)


def set_config(project: Project, label_config: str) -> None:
    """Take a label config in, as Label Studio tells it."""
    sent = {"id": 1, "label_config": label_config, "title": "x"}
    events.record(project, "PROJECT_UPDATED", {"project": sent})
    process_pending_events(project.pk)
    project.refresh_from_db()


def confirm(project: Project, text: str = RENAME) -> None:
    label_renames.rename(project, text, actor="ada", reason="The house style.")
    process_pending_events(project.pk)
    project.refresh_from_db()


def labels(project: Project) -> dict[int, str | None]:
    return {t.labelstudio_id: t.labels.get("label") for t in project.tasks.order_by("pk")}


def stored_rows(project: Project) -> list:
    fields = ("pk", "split", "input_key", "annotations", "labelled_controls")
    return list(project.tasks.order_by("pk").values_list(*fields))


def predicted(project: Project, label_config: str) -> list:
    project = Project.objects.select_related("champion").get(pk=project.pk)
    tasks = [{"id": 1, "data": {"text": "good fine"}}, {"id": 2, "data": {"text": "bad awful"}}]
    found = serving.answer(project, label_config, tasks)
    return [entry and entry["result"][0]["value"]["choices"] for entry in found.results]


def test_without_confirmation_the_old_label_is_dropped_as_ever(project):
    before = stored_rows(project)

    set_config(project, GOOD)

    assert [one.text for one in label_renames.offers(project)] == [RENAME]
    assert set(labels(project).values()) == {None, "Negative"}
    assert stored_rows(project) == before


def test_once_confirmed_the_old_annotations_say_the_new_label(project):
    before = stored_rows(project)
    set_config(project, GOOD)

    confirm(project)

    assert list(labels(project).values()) == ["Good", "Negative"] * 5
    assert stored_rows(project) == before
    assert project.relabel_queued_at is None
    entry = AuditEntry.objects.get(verb="rename_label")
    assert (entry.actor, entry.reason) == ("ada", "The house style.")
    assert entry.numbers == {"control": "label", "from": "Positive", "to": "Good"}


def test_a_later_event_of_an_old_annotation_says_the_new_label_too(project):
    set_config(project, GOOD)
    confirm(project)

    events.record(project, "ANNOTATION_UPDATED", annotated(2, 2, "Positive", made=99))
    process_pending_events(project.pk)

    assert labels(project)[2] == "Good"


def test_a_rename_can_be_undone(project):
    set_config(project, GOOD)
    confirm(project)

    label_renames.undo(project, RENAME, actor="ada")
    process_pending_events(project.pk)

    project.refresh_from_db()
    assert set(labels(project).values()) == {None, "Negative"}
    assert [one.text for one in label_renames.offers(project)] == [RENAME]
    assert AuditEntry.objects.filter(verb="undo_rename").count() == 1


def test_a_chain_of_renames_leads_to_the_last_name(project, version):
    set_config(project, GOOD)
    confirm(project)
    best = CONFIG.replace('"Positive"', '"Best"')

    set_config(project, best)
    confirm(project, "label: Good -> Best")

    assert list(labels(project).values()) == ["Best", "Negative"] * 5
    assert predicted(project, best) == [["Best"], ["Negative"]]


def test_two_labels_that_change_places_keep_what_was_learned_of_each(project, version):
    between = CONFIG.replace('"Positive"', '"Between"')
    set_config(project, between)
    confirm(project, "label: Positive -> Between")
    set_config(project, between.replace('"Negative"', '"Positive"'))
    confirm(project, "label: Negative -> Positive")

    set_config(project, CONFIG)
    confirm(project, "label: Between -> Negative")

    assert list(labels(project).values()) == ["Negative", "Positive"] * 5
    assert predicted(project, CONFIG) == [["Negative"], ["Positive"]]


def test_the_champion_predicts_the_new_label_at_once_and_stays_the_same(project, version):
    set_config(project, GOOD)
    assert predicted(project, GOOD) == [[], ["Negative"]]

    label_renames.rename(project, RENAME, actor="ada")  # before any job has run

    assert predicted(project, GOOD) == [["Good"], ["Negative"]]
    project.refresh_from_db()
    assert (project.champion, project.champion.artifact_sha256) == (
        version,
        version.artifact_sha256,
    )


def test_the_champion_is_right_where_people_say_the_new_label(project, version):
    set_config(project, GOOD)
    confirm(project)
    payload = annotated(50, 50, "Good", made=10_000_000)
    payload["task"]["data"] = {"text": "good fine"}

    events.record(project, "ANNOTATION_CREATED", payload)
    process_pending_events(project.pk)

    outcome = Outcome.objects.get(task__labelstudio_id=50)
    assert (outcome.predicted, outcome.human, outcome.correct) == ("Good", "Good", True)


def test_the_effect_is_counted_before_it_is_confirmed(project, version):
    one, other = project.tasks.all()[:2]
    OutcomeFactory(version=version, task=one, human="Positive", predicted="Negative")
    OutcomeFactory(version=version, task=other, human="Negative", predicted="Negative")
    set_config(project, GOOD)
    (offer,) = label_renames.offers(project)

    found = rename_impact(project, offer)

    assert (found.tasks, found.versions, found.outcomes) == (5, 1, 1)
    assert found.champion == version.label
    assert tasks_annotated(project, "other", "Positive") == 0
    action = next(one for one in actions() if one.name == "rename_label")
    shown = [(change.before, change.after) for change in action.changes(project)]
    assert shown == [
        ("5 tasks, not counted", "5 tasks, as Good"),
        ("Positive, which is dropped", "Good"),
        ("1 version, 1 outcome", "the same, compared as Good"),
    ]


def test_a_rename_that_is_not_offered_is_refused(project):
    set_config(project, GOOD)

    with pytest.raises(Refused, match="not offered"):
        label_renames.rename(project, "label: Negative -> Good", actor="ada")
    with pytest.raises(Refused, match="not confirmed"):
        label_renames.undo(project, RENAME, actor="ada")


def test_a_config_that_is_taken_in_meanwhile_loses_no_rename(project):
    """The project of a sync was read before the rename was confirmed."""
    from mlapi.mirror import apply_changes

    set_config(project, GOOD)
    stale = Project.objects.get(pk=project.pk)
    label_renames.rename(project, RENAME, actor="ada")

    apply_changes.refresh_config(stale, GOOD.replace('"Negative"', '"Bad"'))

    project.refresh_from_db()
    assert [one.text for one in label_renames.confirmed(project)] == [RENAME]
    assert [one.text for one in label_renames.offers(project)] == ["label: Negative -> Bad"]


def test_a_command_confirms_and_undoes_it(project):
    set_config(project, GOOD)

    call_command("action", "rename_label", project.uid, "--rename", RENAME)
    process_pending_events(project.pk)
    assert labels(project)[1] == "Good"

    call_command("action", "undo_rename", project.uid, "--rename", RENAME)
    process_pending_events(project.pk)
    assert labels(project)[1] is None
