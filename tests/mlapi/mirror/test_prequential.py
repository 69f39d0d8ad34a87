"""Prequential outcomes: the champion predicts before the human's label is applied."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mlapi import model_cache
from mlapi.images.feature_store import to_bytes
from mlapi.locks import MIRROR, project_lock
from mlapi.mirror import apply_changes
from mlapi.mirror.prequential import ChampionHistory
from mlapi.mirror.process_events import process_pending_events
from mlapi.pipelines import PIPELINES
from registry.actions import champion, events, features, project_settings, tasks
from registry.actions.features import FeatureRow
from registry.models import Event, ModelVersion, Outcome, Task, TrainingRun
from registry.reports.proportions import version_proportions
from registry.statistics import Proportion
from tests.factories import (
    ModelVersionFactory,
    OutcomeFactory,
    ProjectFactory,
    TaskFactory,
    promote,
)
from tests.mlapi import trained_images
from tests.mlapi.image_files import digits
from tests.mlapi.labelstudio.webhooks import CONFIG, annotated, annotation, task
from tests.mlapi.labelstudio.webhooks import T0 as WEBHOOK_T0
from tests.mlapi.trained import artifact
from tests.queries import rows_read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_loaded_versions")]


@pytest.fixture
def version(project) -> ModelVersion:
    return ModelVersionFactory(project=project, content=artifact(), champion=True)


def minutes(from_now: float) -> float:
    """Minutes after the webhooks' own epoch, so that things are made after the promotion."""
    return (datetime.now(UTC) - WEBHOOK_T0) / timedelta(minutes=1) + from_now


def after_training(version, source: str = Outcome.Source.PREQUENTIAL) -> dict[str, Proportion]:
    return version_proportions(version, [source])[source]


def annotate(
    project,
    id,
    task_id,
    *chosen,
    made=1.0,
    when: datetime | None = None,
    text="good fine",
    **fields,
) -> Event:
    """An annotation `made` minutes from now, or at a time."""
    minute = (when - WEBHOOK_T0) / timedelta(minutes=1) if when else minutes(made)
    payload = annotated(id, task_id, *chosen, made=minute, **fields)
    payload["task"]["data"] = {"text": text}
    event = events.record(project, "ANNOTATION_CREATED", payload)
    process_pending_events(project.pk)
    event.refresh_from_db()
    return event


def test_a_new_label_is_an_outcome_of_the_champion(project, version):
    annotate(project, 5, 1, "Negative")
    outcome = Outcome.objects.get()
    assert outcome.version == version
    assert outcome.task == tasks.existing(project).get()
    assert outcome.source == Outcome.Source.PREQUENTIAL
    assert (outcome.predicted, outcome.human, outcome.correct) == ("Positive", "Negative", False)
    assert 0.5 < outcome.score <= 1
    assert outcome.target == "label"


def test_only_the_first_human_label_counts(project, version):
    annotate(project, 5, 1, "Positive")
    annotate(project, 6, 1, "Negative", completed_by=2)
    annotate(project, 5, 1, "Negative", updated=minutes(3))
    assert Outcome.objects.count() == 1
    # Not even after the label was taken away.
    events.record(project, "ANNOTATIONS_DELETED", {"annotations": [{"id": 5}, {"id": 6}]})
    annotate(project, 7, 1, "Positive", made=5)
    assert Outcome.objects.count() == 1
    assert Outcome.objects.get().correct


def test_predicting_and_recording_read_the_row_of_the_task_once(project, version):
    apply_changes.put_whole_tasks(project, [task(1, data={"text": "good fine"})])
    model_cache.load(version)  # else the event is read again once it is loaded
    with CaptureQueriesContext(connection) as queries:
        annotate(project, 5, 1, "Positive")
    assert Outcome.objects.get().task == tasks.existing(project).get()
    assert len(rows_read(queries)) == 1


def test_without_a_champion_there_is_no_outcome(project):
    annotate(project, 5, 1, "Positive")
    assert not Outcome.objects.exists()
    assert tasks.existing(project).get().labels == {"label": "Positive"}


def test_the_version_that_served_when_an_annotation_was_made_predicts(project, version):
    later = ModelVersionFactory(
        project=project, content=artifact(labels=("Negative", "Positive")), champion=True
    )
    moved = later.audit_entries.get(verb="promote")
    between = moved.at - timedelta(microseconds=1)
    history = ChampionHistory(project)
    assert history.at(between) == version
    assert history.at(moved.at) == later
    assert history.at(datetime(2020, 1, 1, tzinfo=UTC)) is None
    annotate(project, 5, 1, "Positive", when=between)
    assert Outcome.objects.get().version == version


def test_a_rolled_back_champion_predicts_again(project, version):
    second = ModelVersionFactory(project=project, content=artifact(0.4), champion=True)
    champion.roll_back(second.project, actor="tester", reason="a test")
    annotate(project, 5, 1, "Positive")
    assert Outcome.objects.get().version == version


def test_imports_and_syncs_do_not_count(project, version):
    whole = task(1, annotations=[annotation(5, 1, "Positive", ground_truth=True)])
    apply_changes.put_whole_tasks(project, [whole])
    annotate(project, 6, 2, "Positive", bulk_created=True)
    annotate(project, 7, 3, "Positive", import_id=3)
    both = {
        "annotation": [annotation(8, 4, "Positive", parent_prediction=1)],
        "task": [task(4)],
    }
    events.record(project, "ANNOTATIONS_CREATED", both)
    process_pending_events(project.pk)
    assert tasks.existing(project).filter(labels={"label": "Positive"}).count() == 4
    assert not Outcome.objects.exists()
    # Nor does a later change of one of them make an outcome.
    annotate(project, 5, 1, "Negative", updated=minutes(9))
    assert not Outcome.objects.exists()


def test_skipped_annotations_do_not_count_and_the_next_one_does(project, version):
    annotate(project, 5, 1, was_cancelled=True)
    assert not Outcome.objects.exists()
    annotate(project, 6, 1, "Positive")
    assert Outcome.objects.count() == 1


def test_predictions_that_the_human_saw_are_counted_apart(project, version):
    annotate(project, 5, 1, "Positive", parent_prediction=77)
    assert Outcome.objects.get().source == Outcome.Source.SHOWN
    assert after_training(version) == {}
    assert after_training(version, Outcome.Source.SHOWN)["label"].n == 1


def test_a_task_without_text_is_no_outcome(project, version):
    annotate(project, 5, 1, "Positive", text="   ")
    assert not Outcome.objects.exists()
    assert tasks.existing(project).get().labels == {"label": "Positive"}


def test_an_answer_that_the_config_no_longer_allows_is_wrong(project, version):
    apply_changes.refresh_config(project, CONFIG.replace("Positive", "Good"))
    annotate(project, 5, 1, "Good")
    outcome = Outcome.objects.get()
    assert (outcome.predicted, outcome.human, outcome.correct) == ("Positive", "Good", False)


def test_a_model_that_does_not_load_costs_the_measurement_and_not_the_label(project, version):
    stored = settings.DATA_DIR / "artifacts" / version.artifact
    content = stored.read_bytes()
    stored.chmod(0o600)
    stored.write_bytes(b"broken")
    try:
        event = annotate(project, 5, 1, "Positive")
    finally:
        stored.write_bytes(content)
    assert event.status == "applied"
    assert tasks.existing(project).get().labels == {"label": "Positive"}
    assert not Outcome.objects.exists()


def mirror_is_locked(project) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND classid = %s AND objid = %s",
            [MIRROR, project.pk],
        )
        return bool(cursor.fetchone()[0])


@pytest.fixture
def loads(project, monkeypatch) -> list[bool]:
    """For each model that is loaded, whether the mirror's lock was held."""
    pipeline = PIPELINES["text_classification"]
    locked, load = [], pipeline.load

    def recorded(path):
        locked.append(mirror_is_locked(project))
        return load(path)

    monkeypatch.setattr(pipeline, "load", recorded)
    return locked


def test_no_model_is_loaded_while_the_mirror_is_locked(project, version, loads, monkeypatch):
    second = ModelVersionFactory(project=project, content=artifact(0.4), champion=True)
    between = second.audit_entries.get(verb="promote").at - timedelta(microseconds=1)
    early = (between - WEBHOOK_T0) / timedelta(minutes=1)
    for id, made in ((5, early), (6, minutes(1)), (7, early), (8, minutes(1))):
        payload = annotated(id, id, "Positive", made=made)
        payload["task"]["data"] = {"text": "good fine"}
        events.record(project, "ANNOTATION_CREATED", payload)
    # Of one of them there is only room for the other, so that each turn loads again.
    monkeypatch.setattr(settings, "MODEL_CACHE_MB", 0)
    assert process_pending_events(project.pk) == 4
    assert loads == [False] * 4
    versions = Outcome.objects.order_by("task__labelstudio_id").values_list("version", flat=True)
    assert list(versions) == [version.pk, second.pk, version.pk, second.pk]
    assert not mirror_is_locked(project)


def test_a_model_that_does_not_load_holds_no_lock_and_keeps_no_event(project, version, loads):
    path = settings.DATA_DIR / "artifacts" / version.artifact
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(b"broken")
    try:
        for id in (5, 6):
            events.record(project, "ANNOTATION_CREATED", annotated(id, id, "Positive"))
        assert process_pending_events(project.pk) == 2
    finally:
        path.write_bytes(content)
    assert tasks.existing(project).filter(labels={"label": "Positive"}).count() == 2
    assert loads == []  # it is refused before it is read
    assert not mirror_is_locked(project)


def test_labels_of_a_sync_while_the_model_loads_are_no_outcomes(project, version, monkeypatch):
    """The event is read again under the lock, where the sync has labelled the task already."""
    pipeline = PIPELINES["text_classification"]
    load = pipeline.load

    def sync_first(path):
        whole = task(1, annotations=[annotation(5, 1, "Negative", made=minutes(1))])
        with project_lock(project.pk, wait=True):
            apply_changes.put_whole_tasks(project, [whole])
        return load(path)

    monkeypatch.setattr(pipeline, "load", sync_first)
    annotate(project, 5, 1, "Negative")
    assert tasks.existing(project).get().labels == {"label": "Negative"}
    assert not Outcome.objects.exists()


def test_a_champion_that_is_promoted_while_the_model_loads_does_not_predict(
    project, version, monkeypatch
):
    """The one that served when the human answered is."""
    pipeline = PIPELINES["text_classification"]
    load, second = pipeline.load, ModelVersionFactory(project=project, content=artifact(0.4))
    made = datetime.now(UTC)

    def promote_first(path):
        if ChampionHistory(project).at(datetime.now(UTC)) == version:
            promote(second)
        return load(path)

    monkeypatch.setattr(pipeline, "load", promote_first)
    annotate(project, 5, 1, "Positive", when=made)
    assert ChampionHistory(project).at(datetime.now(UTC)) == second
    assert Outcome.objects.get().version == version


def test_a_task_that_may_have_been_in_the_versions_dataset_does_not_count(project, version):
    """Labelled for one target at the snapshot, and for another one later."""
    second = CONFIG.replace(
        "</View>",
        '<Choices name="other" toName="text"><Choice value="a"/><Choice value="b"/></Choices>'
        "</View>",
    )
    apply_changes.refresh_config(project, second)
    TrainingRun.objects.filter(pk=version.run_id).update(snapshot_at=datetime.now(UTC))
    before = annotation(5, 1, "a", made=0)
    before["result"][0]["from_name"] = "other"
    apply_changes.put_whole_tasks(project, [task(1, data={"text": "good"}, annotations=[before])])
    assert Task.objects.get().labelled_controls == ["other"]
    annotate(project, 6, 1, "Positive", completed_by=2)
    assert tasks.existing(project).get().labels == {"label": "Positive", "other": "a"}
    assert not Outcome.objects.exists()
    # Labelled for the other one only after the snapshot: it cannot have been in it.
    later = annotation(7, 2, "a", made=minutes(1))
    later["result"][0]["from_name"] = "other"
    apply_changes.put_whole_tasks(project, [task(2, data={"text": "good"}, annotations=[later])])
    annotate(project, 8, 2, "Positive", made=2, completed_by=2)
    assert Outcome.objects.get().task.labelstudio_id == 2


def test_a_share_of_fewer_than_twenty_is_not_shown(project, version):
    OutcomeFactory.create_batch(19, version=version)
    proportion = after_training(version)["label"]
    assert (proportion.n, proportion.correct) == (19, 19)
    assert proportion.share is None
    assert proportion.interval is None
    OutcomeFactory(version=version, predicted="Negative")
    proportion = after_training(version)["label"]
    assert proportion.share == 0.95
    low, high = proportion.interval
    assert (round(low, 3), round(high, 3)) == (0.764, 0.991)


def test_the_promotion_helper_moves_the_champion(project, version):
    second = ModelVersionFactory(project=project, content=artifact(0.3))
    promote(second)
    assert ChampionHistory(project).at(datetime.now(UTC)) == second


DIGITS = (
    '<View><Image name="img" value="$image"/><Choices name="kind" toName="img">'
    + "".join(f'<Choice value="{label}"/>' for label in trained_images.LABELS)
    + "</Choices></View>"
)


def test_a_control_that_gets_another_pipeline_is_predicted_by_the_one_that_learned_it():
    project = ProjectFactory(label_config="", fingerprint="", pipeline="")
    apply_changes.refresh_config(project, DIGITS)
    data = {"image": "http://images/1.png"}
    mirrored = TaskFactory(project=project, labelstudio_id=1, data=data)
    vector = to_bytes(trained_images.features_of(120)[0])
    row = FeatureRow(mirrored.pk, data["image"], f"{1:064}", vector)
    features.save(project, trained_images.opencv().name, [row])
    ModelVersionFactory(
        project=project,
        champion=True,
        content=trained_images.artifact(),
        pipeline="image_classification",
        targets=[asdict(trained_images.SPEC.row()) | {"pipeline": "image_classification"}],
    )
    options = {"controls": {"kind": {"similar_to": "7"}}}
    project_settings.configure(project, options=options, actor="tester")
    apply_changes.refresh_stored_config(project)

    label = digits(120)[1][0]
    payload = annotated(5, 1, label, made=minutes(1))
    payload["annotation"]["result"][0] |= {"from_name": "kind", "to_name": "img"}
    payload["task"]["data"] = data
    payload["project"]["label_config"] = DIGITS
    events.record(project, "ANNOTATION_CREATED", payload)
    process_pending_events(project.pk)

    assert Outcome.objects.get().predicted == label
