"""Makes registry rows for tests: through the actions wherever one owns the state."""

import hashlib
import itertools
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import factory
from django.conf import settings
from django.utils import timezone

from registry import classes
from registry.actions import champion, events, keys, registration, run_starts, runs, tasks, webhooks
from registry.models import (
    AccessKey,
    Event,
    ModelVersion,
    Outcome,
    Project,
    Task,
    TrainingRun,
    Webhook,
    WebhookDelivery,
    Worker,
)
from registry.models.task import Split
from registry.models.webhook import TOPIC_CHOICES
from registry.training_result import (
    ExemplarRow,
    MetricRow,
    OutcomeRow,
    TargetRow,
    TrainingResult,
)
from registry.verified import ARTIFACT_FORMAT, sha256_of

LABEL_CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text" choice="single">'
    '<Choice value="Positive"/><Choice value="Negative"/></Choices></View>'
)
TARGET = {
    "name": "label",
    "object_name": "text",
    "object_tag": "Text",
    "field": "text",
    "kind": "choice",
    "labels": ["Negative", "Positive"],
    "trained": True,
    "untrained_reason": "",
    "decision": "",
}
METRICS = [
    {"target": "", "name": "primary", "split": "holdout", "value": 0.8, "n": 40},
    {"target": "label", "name": "macro_f1", "split": "holdout", "value": 0.8, "n": 40},
    {"target": "label", "name": "accuracy", "split": "holdout", "value": 0.82, "n": 40},
    {"target": "label", "name": "baseline_accuracy", "split": "holdout", "value": 0.5, "n": 40},
    {
        "target": "label",
        "name": "f1",
        "label": "Positive",
        "split": "holdout",
        "value": 0.8,
        "n": 20,
    },
]


_contents = itertools.count(1)


def classes_of(label: Any) -> list[str]:
    """The classes in a label of Choices, as their label types have them."""
    return [label] if isinstance(label, str) else sorted(label)


def task_classes(labels: dict[str, Any]) -> list[str]:
    """The entries of a task with these labels of Choices."""
    return classes.entries({control: classes_of(label) for control, label in labels.items()})


class ProjectFactory(factory.django.DjangoModelFactory):
    """A project that text classification serves; no champion yet."""

    class Meta:
        model = Project

    uid = factory.Sequence(lambda n: f"{n + 1}.1795420847")
    title = factory.Sequence(lambda n: f"Project {n + 1}")
    label_config = LABEL_CONFIG
    fingerprint = hashlib.sha256(LABEL_CONFIG.encode()).hexdigest()
    pipeline = "text_classification"
    hostname = "http://localhost:8080"


class TaskFactory(factory.django.DjangoModelFactory):
    """An unlabelled task; `labelled="Positive"` gives it that label by one annotator."""

    class Meta:
        model = Task

    class Params:
        labelled = None

    project = factory.SubFactory(ProjectFactory)
    labelstudio_id = factory.Sequence(lambda n: n + 1)
    data = factory.LazyAttribute(lambda o: {"text": f"text number {o.labelstudio_id}"})
    input_key = factory.LazyAttribute(
        lambda o: hashlib.sha256(f"{o.project.uid} {o.data}".encode()).hexdigest()
    )
    labels = factory.LazyAttribute(lambda o: {"label": o.labelled} if o.labelled else {})
    classes = factory.LazyAttribute(lambda o: task_classes(o.labels))
    split = factory.LazyAttribute(lambda o: Split.TRAIN if o.labelled else None)
    labels_changed_at = factory.LazyAttribute(lambda o: timezone.now() if o.labelled else None)
    total_annotations = factory.LazyAttribute(lambda o: 1 if o.labelled else 0)
    annotation_ids = factory.LazyAttribute(lambda o: [o.labelstudio_id * 10] if o.labelled else [])

    @factory.lazy_attribute
    def annotations(self) -> list[dict]:
        if not self.labelled:
            return []
        now = timezone.now().isoformat()
        return [
            {
                "id": self.labelstudio_id * 10,
                "result": [
                    {
                        "id": "abcdefghij",
                        "type": "choices",
                        "from_name": "label",
                        "to_name": "text",
                        "value": {"choices": [self.labelled]},
                    }
                ],
                "was_cancelled": False,
                "ground_truth": False,
                "completed_by": 1,
                "created_at": now,
                "updated_at": now,
                "parent_prediction": None,
            }
        ]


class ImageTaskFactory(TaskFactory):
    """A task that is shown by an image."""

    data = factory.LazyAttribute(lambda o: {"image": f"http://images/{o.labelstudio_id}.jpg"})


class TrainingRunFactory(factory.django.DjangoModelFactory):
    """A queued run; `state="running"` (or an end) takes it there by the actions.

    Like `run_starts.start` it gives back the active run of a project that has one.
    """

    class Meta:
        model = TrainingRun

    project = factory.SubFactory(ProjectFactory)
    trigger = TrainingRun.Trigger.START_TRAINING
    actor = "labelstudio"

    @classmethod
    def _create(cls, model_class, *args, project, trigger, state="queued", **kwargs):
        run, _ = run_starts.start(project, trigger=trigger, **kwargs)
        if state == "queued":
            return run
        if state == "cancelled":
            return runs.cancel(run.pk, actor="tester", reason="a test")
        run = runs.claim(run.pk, "worker@test")
        if state == "succeeded":
            runs.succeed(run)
        elif state == "failed":
            runs.fail(run, "training_failed", "It failed.", "Try again.")
        return run


class ModelVersionFactory(factory.django.DjangoModelFactory):
    """A registered version with its run, artifact, target and metrics; `champion=True` promotes it.

    Each artifact has content of its own unless `content` is passed; `described` is what its run
    says of itself, everything else goes to `result`.
    """

    class Meta:
        model = ModelVersion

    project = factory.SubFactory(ProjectFactory)

    @classmethod
    def _create(
        cls,
        model_class,
        *args,
        project,
        champion: bool = False,
        content: bytes | None = None,
        pipeline="text_classification",
        described=None,
        artifact_format=ARTIFACT_FORMAT,
        **found,
    ):
        run = TrainingRunFactory(project=project, state="running")
        if described:
            runs.set_details(run, **described)
        learned(run, pipeline)
        content = content or f"artifact {next(_contents)}".encode()
        with tempfile.TemporaryDirectory(dir=settings.DATA_DIR) as folder:
            path = Path(folder) / "artifact.bin"
            path.write_bytes(content)
            version = registration.register(
                run, result(path, **found), path, artifact_format=artifact_format
            )
        runs.succeed(run)
        if champion:
            promote(version)
        return version


def mirror(project: Project, states: Sequence[tasks.TaskState], **options) -> list[Task]:
    """Write states as a unit of work does: over the rows that mirror their tasks already."""
    ids = [state.labelstudio_id for state in states]
    rows = {t.labelstudio_id: t for t in tasks.existing(project).filter(labelstudio_id__in=ids)}
    with_rows = [
        replace(state, row=rows.get(state.labelstudio_id), classes=task_classes(state.labels))
        for state in states
    ]
    return tasks.write(project, with_rows, **options)


def result(
    artifact: Path,
    *,
    targets: Iterable[dict[str, Any]] = (TARGET,),
    metrics: Iterable[dict[str, Any]] = tuple(METRICS),
    outcomes: Iterable[dict[str, Any]] = (),
    out_of_fold: Iterable[dict[str, Any]] = (),
    exemplars: Iterable[dict[str, Any]] = (),
    **more: Any,
) -> TrainingResult:
    """A training's result, of that artifact; rows are dicts of their fields."""
    usual = {
        "recipe": "words+characters",
        "candidates": [],
        "comparison": None,
        "environment": {"python": "3.11"},
        "primary_metric": "macro_f1",
        "artifact_sha256": sha256_of(artifact),
    }
    return TrainingResult(
        targets=[TargetRow(**row) for row in targets],
        metrics=[MetricRow(**row) for row in metrics],
        outcomes=[outcome_row(**row) for row in outcomes],
        out_of_fold=[outcome_row(**row) for row in out_of_fold],
        exemplars=[ExemplarRow(**row) for row in exemplars],
        **{**usual, **more},
    )


def outcome_row(*, human: Any, predicted: Any, **more: Any) -> OutcomeRow:
    """An outcome of a target of Choices, unless its classes are passed."""
    found = {
        "human_classes": classes_of(human),
        "predicted_classes": None if predicted is None else classes_of(predicted),
    }
    return OutcomeRow(human=human, predicted=predicted, **{**found, **more})


def learned(run: TrainingRun, pipeline: str = "text_classification", **parameters: Any) -> None:
    """The run's fields once its dataset is frozen."""
    found = {"pipeline": pipeline, "fingerprint": run.project.fingerprint, **parameters}
    runs.set_details(run, parameters={**run.parameters, **found})


def promote(version: ModelVersion, reason: str = "a test") -> None:
    """Make the version champion and let the caller's project know."""
    champion.promote(version, actor="tester", reason=reason)
    version.project.refresh_from_db(fields=["champion"])


class OutcomeFactory(factory.django.DjangoModelFactory):
    """A prequential outcome that was right."""

    class Meta:
        model = Outcome

    version = factory.SubFactory(ModelVersionFactory)
    task = factory.SubFactory(TaskFactory, project=factory.SelfAttribute("..version.project"))
    target = "label"
    source = Outcome.Source.PREQUENTIAL
    predicted = "Positive"
    score = 0.9
    human = "Positive"
    correct = factory.LazyAttribute(lambda o: o.predicted == o.human)
    human_classes = factory.LazyAttribute(lambda o: classes_of(o.human))
    predicted_classes = factory.LazyAttribute(
        lambda o: None if o.predicted is None else classes_of(o.predicted)
    )
    at = factory.LazyFunction(timezone.now)


class EventFactory(factory.django.DjangoModelFactory):
    """A received webhook."""

    class Meta:
        model = Event

    project = factory.SubFactory(ProjectFactory)
    action = "ANNOTATION_CREATED"
    payload = factory.LazyFunction(dict)

    @classmethod
    def _create(cls, model_class, *args, project, action, payload, **kwargs):
        return events.record(project, action, payload, **kwargs)


class AccessKeyFactory(factory.django.DjangoModelFactory):
    """A key for any project; its plain text is in the attribute `plain`."""

    class Meta:
        model = AccessKey

    name = factory.Sequence(lambda n: f"key {n + 1}")

    @classmethod
    def _create(cls, model_class, *args, name, **kwargs):
        key, plain = keys.new_key(name, actor="tester", **kwargs)
        key.plain = plain
        return key


class WorkerFactory(factory.django.DjangoModelFactory):
    """A worker with a heartbeat now."""

    class Meta:
        model = Worker

    cluster = "events"
    hostname = "test"
    heartbeat_at = factory.LazyFunction(timezone.now)


class WebhookFactory(factory.django.DjangoModelFactory):
    """A webhook for every topic; its secret is in the attribute `plain`."""

    class Meta:
        model = Webhook

    name = factory.Sequence(lambda n: f"Webhook {n + 1}")
    url = "https://hooks.example.com/services/a-secret"
    topics = [topic for topic, _ in TOPIC_CHOICES]
    format = "json"

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        webhook, plain = webhooks.new_webhook(**{"actor": "tester"} | kwargs)
        webhook.plain = plain
        return webhook


class WebhookDeliveryFactory(factory.django.DjangoModelFactory):
    """A test that is due."""

    class Meta:
        model = WebhookDelivery

    webhook = factory.SubFactory(WebhookFactory)

    @classmethod
    def _create(cls, model_class, *args, webhook, **kwargs):
        return webhooks.send_test(webhook, actor="tester")[1]
