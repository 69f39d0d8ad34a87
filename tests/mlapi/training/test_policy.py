"""When a project trains by itself."""

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from mlapi.texts.refs import ENCODING
from mlapi.training import policy, policy_inputs
from registry.actions import projects, run_starts, runs
from registry.actions.tasks import TaskState
from registry.models import Project, Task, TrainingRun
from tests.factories import ModelVersionFactory, mirror, promote

from .projects import label, labelled_project

pytestmark = pytest.mark.django_db

T0 = timezone.now() - timedelta(days=1)
LATER = T0 + timedelta(minutes=10)
MULTIPLE = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text" '
    'choice="multiple"><Choice value="Positive"/><Choice value="Negative"/></Choices></View>'
)


def after_a_run(
    project: Project, learned: int, *, left: int = 0, fails: bool = False
) -> TrainingRun:
    """A run that ended, having learned from the labels up to T0, of them so many left as texts."""
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run = runs.claim(run.pk, "worker@test")
    texts = {"texts": learned, "left": left} if left else {"texts": learned}
    runs.set_details(
        run,
        snapshot_at=T0,
        dataset_counts={"tasks": learned, "texts": texts},
        parameters={"fingerprint": project.fingerprint},
    )
    runs.fail(run, "memory_limit", "too much") if fails else runs.succeed(run)
    return run


@pytest.mark.parametrize("fails", [False, True])
def test_vectors_that_a_first_version_lacks_are_made_at_once_by_the_next_run(fails):
    project = labelled_project({})
    label(project, {"Positive": 20, "Negative": 20}, now=T0)
    promote(ModelVersionFactory(project=project))
    after_a_run(project, 40, left=40, fails=fails)

    decision = policy.decide(project, T0)

    assert decision.state == ("changes" if fails else "due")
    if not fails:
        assert decision.trigger == "policy"
        assert decision.reason == "the first version came sooner without the vectors of 40 texts"
        after_a_run(project, 40)
        assert policy.decide(project, T0).state == "changes"


@pytest.mark.parametrize(
    ("labels", "state"),
    [
        ({}, "labels"),
        ({"Positive": 10, "Negative": 9}, "labels"),
        ({"Positive": 10, "Negative": 10}, "due"),
        ({"Positive": 20}, "classes"),
        ({"Positive": 18, "Negative": 2}, "classes"),
        ({"Positive": 17, "Negative": 3}, "due"),
    ],
)
def test_the_first_training_needs_twenty_labels_and_two_classes_of_three(labels, state):
    project = labelled_project({})
    label(project, labels, now=T0)
    decision = policy.decide(project, LATER)
    assert decision.state == state
    assert decision.trigger == ("policy" if state == "due" else "")


def test_it_waits_for_a_class_of_which_all_tasks_are_in_the_holdout():
    project = labelled_project({})
    label(project, {"Positive": 20}, now=T0)

    def label_negative(number: int, place: str) -> None:
        state = TaskState(
            labelstudio_id=number,
            data={"text": f"bad {number}"},
            total_annotations=1,
            labels={"label": "Negative"},
            input_key=place.ljust(61, "0") + f"{number:03}",
        )
        mirror(project, [state], now=T0)

    for number in range(101, 104):
        label_negative(number, "0")
    assert set(Task.objects.filter(labelstudio_id__gt=100).values_list("split")) == {("holdout",)}
    assert policy.decide(project, LATER).state == "classes"
    label_negative(104, "f")
    assert policy.decide(project, LATER).state == "due"


@pytest.mark.parametrize(("with_it", "state"), [(2, "classes"), (3, "due"), (18, "classes")])
def test_a_label_of_multiple_needs_three_with_it_and_three_without(with_it, state):
    project = labelled_project({}, label_config=MULTIPLE)
    states = [
        TaskState(
            labelstudio_id=n,
            data={"text": f"text {n}"},
            labels={"label": ["Positive"] if n <= with_it else []},
            input_key=hashlib.sha256(f"text {n}".encode()).hexdigest(),
        )
        for n in range(1, 21)
    ]
    mirror(project, states, now=T0)
    project.refresh_from_db()
    assert policy.decide(project, LATER).state == state


@pytest.mark.parametrize(
    ("learned", "changed", "due"),
    [(40, 9, False), (40, 10, True), (400, 19, False), (400, 20, True), (401, 20, False)],
)
def test_a_later_training_needs_ten_or_five_percent_changed(learned, changed, due):
    project = labelled_project({})
    label(project, {"Positive": 20, "Negative": 20}, now=T0 - timedelta(hours=1))
    promote(ModelVersionFactory(project=project))
    after_a_run(project, learned)
    label(project, {"Positive": changed}, first_id=1000, now=T0 + timedelta(seconds=1))
    assert policy.decide(project, LATER).state == ("due" if due else "changes")


@pytest.mark.parametrize(("more", "state"), [({}, "classes"), ({"Negative": 3}, "changes")])
def test_after_a_run_of_one_class_it_waits_for_a_second_one(more, state):
    project = labelled_project({})
    label(project, {"Positive": 30}, now=T0 - timedelta(hours=1))
    after_a_run(project, 30, fails=True)
    label(project, more, first_id=1000, now=T0 + timedelta(seconds=1))
    decision = policy.decide(project, LATER)
    assert decision.state == state
    if state == "classes":
        assert "classes" in decision.reason


def test_a_label_taken_back_counts_as_changed():
    project = labelled_project({})
    label(project, {"Positive": 20, "Negative": 20}, now=T0 - timedelta(hours=1))
    after_a_run(project, 40)
    states = [
        TaskState(labelstudio_id=t.labelstudio_id, data=t.data, input_key=t.input_key)
        for t in Task.objects.filter(project=project)[:10]
    ]
    mirror(project, states, now=T0 + timedelta(seconds=1))
    project.refresh_from_db()
    assert policy.decide(project, LATER).state == "due"


def test_it_waits_for_quiet_but_at_most_two_minutes():
    project = labelled_project({}, policy={"quiet_s": 6})
    now = T0
    label(project, {"Positive": 10, "Negative": 10}, now=now)
    first_id = 100
    while now - T0 < timedelta(seconds=120):
        assert policy.consider(project, now + timedelta(seconds=1)) is None
        now += timedelta(seconds=4)  # less than the quiet that it waits for
        label(project, {"Positive": 1}, first_id=first_id, now=now)
        first_id += 1
    run = policy.consider(project, now + timedelta(seconds=2))
    assert run is not None
    project.refresh_from_db()
    assert project.threshold_reached_at is None


def test_it_trains_after_a_quiet_second_while_no_training_was_slow():
    project = labelled_project({})
    label(project, {"Positive": 10, "Negative": 10}, now=T0)
    early = T0 + timedelta(seconds=0.9)
    assert policy.consider(project, early) is None
    assert policy.statuses([project], early)[project.pk]["state"] == "quiet"
    run = policy.consider(project, T0 + timedelta(seconds=1))
    assert (run.trigger, run.actor, run.state) == ("policy", "policy", "queued")


@pytest.mark.parametrize(
    ("took", "encoding", "chosen", "quiet"),
    [
        (4.9, {}, {}, 1),
        (5, {}, {}, 5),
        (4.9, {}, {"quiet_s": 3}, 3),
        (90, {ENCODING: 85.1}, {}, 1),
        (90, {ENCODING: 85}, {}, 5),
        (90, {f"text_classification/1: {ENCODING}": 85.1}, {}, 1),  # of one part of several
    ],
)
def test_the_quiet_period_is_a_second_while_the_last_training_was_quick(
    took, encoding, chosen, quiet
):
    """The time for vectors of new texts does not count, because the next run has them."""
    project = labelled_project({}, policy=chosen)
    label(project, {"Positive": 10, "Negative": 10}, now=T0)
    run = policy.consider(project, LATER)
    runs.fail(runs.claim(run.pk, "worker@test"), "x", "y")
    ended = LATER + timedelta(seconds=took)
    phases = [{"name": name, "started_at": "", "seconds": s} for name, s in encoding.items()]
    TrainingRun.objects.filter(pk=run.pk).update(started_at=LATER, ended_at=ended, phases=phases)
    changed = max(ended, timezone.now()) + timedelta(minutes=1)
    label(project, {"Positive": 20}, first_id=200, now=changed)
    late = changed + timedelta(seconds=quiet)
    assert policy.decide(project, late - timedelta(seconds=0.1)).state == "quiet"
    assert policy.decide(project, late).state == "due"


def test_nothing_is_started_while_a_run_is_active():
    project = labelled_project({})
    label(project, {"Positive": 10, "Negative": 10}, now=T0)
    first = policy.consider(project, LATER)
    assert policy.consider(project, LATER) is None
    assert policy.statuses([project])[project.pk]["run_id"] == first.pk
    assert TrainingRun.objects.filter(project=project).count() == 1


def test_a_failed_run_is_not_repeated_on_the_same_labels():
    project = labelled_project({})
    label(project, {"Positive": 15, "Negative": 15}, now=T0 - timedelta(seconds=1))
    after_a_run(project, 30, fails=True)
    assert policy.decide(project, LATER).state == "changes"
    label(project, {"Positive": 10}, first_id=100, now=T0 + timedelta(seconds=1))
    assert policy.decide(project, LATER).state == "due"


def test_a_run_that_failed_for_too_few_labels_does_not_raise_the_first_threshold():
    project = labelled_project({})
    label(project, {"Positive": 3, "Negative": 3}, now=T0 - timedelta(seconds=1))
    after_a_run(project, 6, fails=True)
    label(project, {"Positive": 7, "Negative": 7}, first_id=100, now=T0 + timedelta(seconds=1))
    assert policy.decide(project, LATER).state == "due"


def test_a_changed_config_queues_a_run_at_once():
    project = labelled_project({})
    label(project, {"Positive": 10, "Negative": 10}, now=T0 - timedelta(seconds=1))
    after_a_run(project, 20)
    assert policy.decide(project, LATER).state == "changes"
    projects.set_config(
        project, project.label_config, fingerprint="f" * 64, pipeline=project.pipeline
    )
    run = policy.consider(project, T0)
    assert run.trigger == TrainingRun.Trigger.CONFIG


def test_a_changed_config_without_labels_waits_for_them():
    project = labelled_project({})
    after_a_run(project, 20)
    projects.set_config(
        project, project.label_config, fingerprint="f" * 64, pipeline=project.pipeline
    )
    decision = policy.decide(project, LATER)
    assert (decision.state, decision.needed, decision.usable) == ("labels", 20, 0)


@pytest.mark.parametrize("fields", [{"pipeline": ""}, {"policy": {"enabled": False}}])
def test_no_pipeline_or_no_policy_no_run(fields):
    project = labelled_project({"Positive": 30, "Negative": 30}, **fields)
    assert policy.consider(project, LATER + timedelta(days=2)) is None


def test_the_policy_can_be_set_per_project():
    project = labelled_project({}, policy={"first_labels": 4, "first_per_class": 2})
    label(project, {"Positive": 2, "Negative": 2}, now=T0)
    assert policy.decide(project, LATER).state == "due"


def test_status_says_in_words_what_is_missing():
    project = labelled_project({})
    label(project, {"Positive": 5, "Negative": 3}, now=T0)
    status = policy.statuses([project], LATER)[project.pk]
    assert (status["usable"], status["changed"], status["needed"]) == (8, 8, 20)
    assert status["reason"] == "12 more labels"


def test_a_project_with_a_version_is_considered_without_counting_its_labels(
    django_assert_num_queries,
):
    project = labelled_project({})
    label(project, {"Positive": 20, "Negative": 20}, now=T0 - timedelta(hours=1))
    promote(ModelVersionFactory(project=project))
    after_a_run(project, 40)
    with django_assert_num_queries(3) as captured:
        policy.consider(project, LATER)
    assert not any("labels" in q["sql"] and "split" in q["sql"] for q in captured.captured_queries)


def test_the_statuses_of_many_projects_are_those_of_each_alone():
    fresh = labelled_project({})
    label(fresh, {"Positive": 5}, now=T0)
    one_class = labelled_project({})
    label(one_class, {"Positive": 25}, now=T0)
    due = labelled_project({})
    label(due, {"Positive": 10, "Negative": 12}, now=T0)
    waiting = labelled_project({})
    label(waiting, {"Positive": 30}, now=T0)
    promote(ModelVersionFactory(project=waiting))
    after_a_run(waiting, 30)
    label(waiting, {"Negative": 4}, first_id=100, now=LATER)
    failed = labelled_project({})
    label(failed, {"Positive": 10, "Negative": 12}, now=T0)
    after_a_run(failed, 22, fails=True)
    other_config = labelled_project({})
    label(other_config, {"Positive": 10, "Negative": 12}, now=T0)
    after_a_run(other_config, 22)
    Project.objects.filter(pk=other_config.pk).update(fingerprint="of another config")
    training = labelled_project({})
    run_starts.start(training, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    off = labelled_project({})
    Project.objects.filter(pk=off.pk).update(policy={"enabled": False})

    now = LATER + timedelta(minutes=1)
    found = policy.statuses(Project.objects.order_by("pk"), now)
    each = {p.pk: policy.statuses([p], now)[p.pk] for p in Project.objects.all()}

    assert {pk: s["state"] for pk, s in found.items()} == {
        fresh.pk: "labels",
        one_class.pk: "classes",
        due.pk: "due",
        waiting.pk: "changes",
        failed.pk: "changes",
        other_config.pk: "due",
        training.pk: "active",
        off.pk: "off",
    }
    assert found == each
    assert (found[waiting.pk]["changed"], found[waiting.pk]["needed"]) == (4, 10)


def test_the_queries_for_many_do_not_grow_with_the_projects(django_assert_num_queries):
    def several(n):
        for _ in range(n):
            label(labelled_project({}), {"Positive": 10, "Negative": 12}, now=T0)
            trained = labelled_project({"Positive": 30})
            promote(ModelVersionFactory(project=trained))
            after_a_run(trained, 30)

    several(1)
    for _ in range(2):
        projects_ = list(Project.objects.all())
        with django_assert_num_queries(6):
            policy.statuses(projects_, LATER)
        several(3)


def test_a_first_training_may_need_more_labels_than_are_counted_for_people(monkeypatch):
    monkeypatch.setattr(policy_inputs, "COUNTED", 5)
    project = labelled_project({}, policy={"first_labels": 8})
    label(project, {"Positive": 4, "Negative": 3}, now=T0)
    assert policy.decide(project, LATER).state == "labels"
    label(project, {"Negative": 1}, first_id=100, now=T0)
    assert policy.decide(project, LATER).state == "due"


FAR = {"after": 500, "read": 500, "of": 9_000}


@pytest.mark.parametrize(
    ("reading", "state"), [({}, "due"), (FAR, "reading"), ({**FAR, "failed": True}, "due")]
)
def test_while_label_studio_is_read_it_waits_for_enough_unless_the_reading_failed(reading, state):
    project = labelled_project({})
    label(project, {"Positive": 10, "Negative": 10}, now=T0)
    projects.record_reading(project, reading)
    assert policy.decide(project, LATER).state == state


def test_one_version_is_trained_while_label_studio_is_read(monkeypatch):
    monkeypatch.setattr(policy, "ENOUGH_FOR_NOW", 40)
    project = labelled_project({})
    label(project, {"Positive": 20, "Negative": 20}, now=T0)
    projects.record_reading(project, FAR)
    assert policy.decide(project, LATER).state == "due"
    after_a_run(project, 40)
    label(project, {"Positive": 20}, first_id=1000, now=T0 + timedelta(seconds=1))
    assert policy.decide(project, LATER).state == "reading"
    projects.record_reading(project, {})
    assert policy.decide(project, LATER).state == "due"
