"""When projects of images train: what is like a reference, and clusters without any label."""

from datetime import timedelta

import pytest
from django.utils import timezone

from mlapi.jobs import maintenance
from mlapi.mirror.apply_changes import refresh_stored_config
from mlapi.training import policy
from registry.actions import project_settings, run_starts, runs, tasks
from registry.actions.tasks import TaskState
from registry.models import Project, Task, TrainingRun
from tests.factories import ProjectFactory, mirror

pytestmark = pytest.mark.django_db

CONFIG = (
    '<View><Image name="img" value="$image"/><Choices name="kind" toName="img">'
    '<Choice value="cat"/><Choice value="dog"/></Choices>'
    '<TextArea name="group" toName="img"/></View>'
)
T0 = timezone.now() - timedelta(days=1)
LATER = T0 + timedelta(minutes=10)


def project_of(**options) -> Project:
    project = ProjectFactory(label_config=CONFIG, pipeline="")
    project_settings.configure(project, options=options, actor="tester")
    refresh_stored_config(project)
    project.refresh_from_db()
    return project


def put(project: Project, n: int, first: int = 1, **labels) -> None:
    states = [
        TaskState(
            labelstudio_id=number,
            data={"image": f"/data/upload/1/{number}.png"},
            labels=labels,
            input_key=f"{number:064x}",
        )
        for number in range(first, first + n)
    ]
    mirror(project, states, now=T0)
    Task.objects.filter(project=project, created_at__gt=LATER).update(created_at=T0)
    project.refresh_from_db()


def after_a_run(project: Project) -> None:
    """A run that learned from all labels up to T0."""
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run = runs.claim(run.pk, "worker@test")
    runs.set_details(
        run,
        snapshot_at=T0,
        dataset_counts={"tasks": 500},
        parameters={"fingerprint": project.fingerprint},
    )
    runs.succeed(run)


def test_options_decide_which_pipeline_serves():
    assert project_of().pipeline == "image_classification"
    assert project_of(similar_to="cat").pipeline == "image_similarity"
    assert project_of(cluster="group").pipeline == "image_classification, image_clusters"


def test_another_option_is_taken_in_and_asks_for_a_run():
    project = project_of()
    put(project, 3, kind="cat")
    after_a_run(project)
    assert policy.decide(project, LATER).state != "due"

    project_settings.configure(project, options={"similar_to": "cat"}, actor="tester")
    refresh_stored_config(project)

    put(project, 3, kind="cat")  # which no annotation here stands behind
    decision = policy.decide(project, LATER)
    assert (decision.state, decision.trigger) == ("due", "config")


def test_one_reference_is_enough_and_another_label_is_none():
    project = project_of(similar_to="cat")
    put(project, 30)
    assert policy.decide(project, LATER).reason == "1 more label"
    put(project, 1, kind="dog")
    decision = policy.decide(project, LATER)
    assert (decision.state, decision.reason) == ("classes", "a task with the label cat")
    put(project, 1, first=2, kind="cat")
    assert policy.decide(project, LATER).state == "due"


def test_each_reference_that_is_marked_or_unmarked_asks_for_another_version():
    project = project_of(similar_to="cat")
    put(project, 500)
    put(project, 2, kind="cat")
    after_a_run(project)
    assert policy.decide(project, LATER).state == "changes"

    state = TaskState(2, data={"image": "/data/upload/1/2.png"}, input_key=f"{2:064x}")
    mirror(project, [state], now=T0 + timedelta(minutes=1))

    project.refresh_from_db()
    assert policy.decide(project, LATER).state == "due"


def test_clusters_need_images_and_no_label():
    project = project_of(cluster="group")
    put(project, 19)
    assert policy.decide(project, LATER).reason == "1 more task"
    put(project, 1, first=20)
    assert policy.decide(project, LATER).state == "due"


def test_new_images_and_new_names_ask_for_other_clusters():
    project = project_of(cluster="group")
    put(project, 30)
    after_a_run(project)
    put(project, 2, first=31)
    Task.objects.filter(labelstudio_id__gt=30).update(created_at=T0 + timedelta(minutes=1))
    later = policy.decide(project, LATER)
    assert (later.state, later.changed, later.needed) == ("changes", 2, 5)

    named = [
        TaskState(
            n, {"image": f"/data/upload/1/{n}.png"}, labels={"group": "cats"}, input_key=f"{n:064x}"
        )
        for n in (1, 2, 31)
    ]
    mirror(project, named, now=T0 + timedelta(minutes=2))

    # The image that is new and named counts once.
    project.refresh_from_db()
    assert policy.decide(project, LATER).changed == 4
    put(project, 1, first=40)
    Task.objects.filter(labelstudio_id=40).update(created_at=T0 + timedelta(minutes=1))
    assert policy.decide(project, LATER).state == "due"


def test_the_statuses_of_many_projects_are_those_of_each_alone():
    projects = [
        project_of(),
        project_of(similar_to="cat"),
        project_of(similar_to="dog"),
        project_of(cluster="group"),
    ]
    for project in projects:
        put(project, 25)
        put(project, 2, kind="cat")

    alone = {p.pk: policy.statuses([p], LATER)[p.pk] for p in projects}
    together = policy.statuses(projects, LATER)

    assert together == alone
    states = [status["state"] for status in together.values()]
    assert states == ["labels", "due", "classes", "due"]


def test_the_home_page_waits_for_quiet_as_the_policy_does_while_images_come_in():
    project = project_of(cluster="group")
    put(project, 25)
    Task.objects.filter(project=project).update(created_at=LATER - timedelta(seconds=1))

    assert policy.consider(project, LATER) is None

    status = policy.statuses([project], LATER)[project.pk]
    assert (status["state"], status["reason"]) == (
        "quiet",
        "waiting for quiet: labels are still changing",
    )
    assert policy.consider(project, LATER + timedelta(seconds=10)) is not None


def test_a_project_of_clusters_is_considered_before_anyone_has_labelled():
    project = project_of(cluster="group")
    put(project, 25)

    maintenance.consider_projects()

    assert TrainingRun.objects.filter(project=project).count() == 1


def test_settings_of_a_project_are_left_as_they_are():
    project = project_of(similar_to="cat")
    project_settings.configure(project, policy={"changed_min": 3}, actor="tester")
    put(project, 500)
    put(project, 2, kind="cat")
    after_a_run(project)

    assert policy.decide(project, LATER).needed == 3


def test_features_go_with_their_task_and_with_its_old_address():
    from registry.actions import features
    from registry.models import Feature

    project = project_of()
    put(project, 2)
    first, second = Task.objects.filter(project=project).order_by("labelstudio_id")
    rows = [features.FeatureRow(t.pk, t.data["image"], "c", b"\0\0\0\0") for t in (first, second)]
    assert features.save(project, "opencv-1", rows) == 2
    assert features.save(project, "opencv-1", rows) == 2
    assert Feature.objects.count() == 2

    tasks.drop(project, [first.labelstudio_id])
    assert [f.task_id for f in Feature.objects.all()] == [second.pk]
    assert features.save(project, "opencv-1", rows[:1]) == 1  # it is gone: nothing of it is stored
    assert Feature.objects.count() == 1
    state = TaskState(second.labelstudio_id, {"image": "/other.png"}, input_key=second.input_key)
    mirror(project, [state])
    assert Feature.objects.count() == 0
