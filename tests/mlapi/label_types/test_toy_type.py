"""A label type with scored regions and geometry goes through all of the product, which has none.

Nothing here is patched but the lists of label types and pipelines.
"""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from label_studio_sdk.label_interface import LabelInterface

from mlapi import serving
from mlapi.mirror import apply_changes
from mlapi.mirror.process_events import process_pending_events
from mlapi.training import policy
from mlapi.training.run import carry_out
from registry.actions import events, run_starts
from registry.models import Outcome, Project, Task, TrainingRun
from registry.reports.compare import compare
from registry.reports.confusion import confusion
from registry.reports.proportions import version_proportions
from registry.reports.tasks import mistakes
from tests.factories import ProjectFactory
from tests.mlapi.label_types import spans
from tests.mlapi.labelstudio import webhooks
from tests.mlapi.training.projects import programs_with

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_loaded_versions", "forked_trainings"),
]

CONFIG = (
    '<View><Text name="text" value="$text"/><Labels name="names" toName="text">'
    '<Label value="PER"/><Label value="LOC"/></Labels></View>'
)
CLASSES = {"Ada": "PER", "Bob": "PER", "Rome": "LOC", "Oslo": "LOC"}
PROGRAMS = programs_with(spans)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    spans.register(monkeypatch.setitem)


@pytest.fixture
def project():
    project = ProjectFactory(label_config="", fingerprint="", pipeline="")
    apply_changes.refresh_config(project, CONFIG)
    return project


def span(text: str, word: str) -> dict:
    start = text.index(word)
    return {"start": start, "end": start + len(word), "class": CLASSES[word]}


def result(text: str, *words: str) -> list[dict]:
    found = [span(text, word) for word in words]
    return [
        {
            "from_name": "names",
            "to_name": "text",
            "type": "labels",
            "value": {"start": one["start"], "end": one["end"], "labels": [one["class"]]},
        }
        for one in found
    ]


def put(project: Project, texts: list[tuple[str, ...]], first: int = 1, voters: int = 1) -> None:
    """Annotated tasks of a sync; each is its words in a text of its own."""
    tasks = []
    for number, words in enumerate(texts, start=first):
        text = f"{' and '.join(words) or 'nobody'} in letter {number}"
        annotations = [
            webhooks.annotation(
                number * 10 + by, number, completed_by=by, result=result(text, *words)
            )
            for by in range(voters)
        ]
        tasks.append(
            webhooks.task(
                number, data={"text": text}, annotations=annotations, total_annotations=voters
            )
        )
    apply_changes.put_whole_tasks(project, tasks)


def train(project: Project) -> TrainingRun:
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run = carry_out(run.pk, "worker@test", programs=PROGRAMS)
    assert run.state == "succeeded", f"{run.error_code}: {run.error} {run.log}"
    project.refresh_from_db()
    return run


def test_mirror_consensus_and_split(project):
    text = "Ada and Rome"
    votes = [("Ada", "Rome"), ("Ada", "Rome"), ("Ada",)]
    tied = [("Ada",), ()]

    def whole(number, all_):
        made = [
            webhooks.annotation(
                number * 10 + by, number, completed_by=by, result=result(text, *one)
            )
            for by, one in enumerate(all_)
        ]
        return webhooks.task(number, data={"text": text}, annotations=made)

    apply_changes.put_whole_tasks(project, [whole(1, votes), whole(2, tied), whole(3, [()])])

    agreed, torn, empty = Task.objects.order_by("labelstudio_id")
    assert agreed.labels == {"names": [span(text, "Ada"), span(text, "Rome")]}
    assert agreed.classes == ["names=LOC", "names=PER"]
    assert (torn.labels, torn.classes, torn.ties) == ({}, [], ["names"])
    assert (empty.labels, empty.classes) == ({"names": []}, [])
    assert {agreed.split, empty.split} == {agreed.split}  # equal inputs
    put(project, [("Bob",)] * 12, first=100)
    assert Task.objects.filter(classes=["names=PER"], split="holdout").exists()


def test_the_policy_waits_for_a_class_that_some_tasks_have_and_some_have_not(project):
    later = datetime.now(UTC) + timedelta(hours=1)
    put(project, [("Ada",)] * 20)
    assert policy.decide(project, later).state == "classes"
    put(project, [()] * 12, first=100)  # some of them to learn from
    project.refresh_from_db()
    assert policy.decide(project, later).state == "due"


def evaluation_and_promotion(project, champion):
    first, second = TrainingRun.objects.order_by("id")
    assert first.dataset_counts["targets"]["names"]["classes"]["train"].keys() == {"PER", "LOC"}
    assert (second.version, second.comparison["metric"]) == (champion, spans.METRIC)
    assert second.comparison["candidate"] > second.comparison["champion"]
    assert second.comparison["n"] >= 30
    assert second.comparison["interval"][0] > 0
    entry = champion.project.audit_entries.order_by("-id").first()
    assert (entry.to_version, entry.numbers["clause"]) == (champion, "as_good")
    assert champion.primary_metric == spans.METRIC
    assert champion.primary_value == 1.0
    (target,) = champion.targets.all()
    assert (target.kind, target.labels) == ("spans", ["PER", "LOC"])


def predictions(project, champion):
    texts = ["Bob is in Rome", "a quiet day", None]
    tasks = [{"id": n, "data": {"text": text}} for n, text in enumerate(texts, start=1)]
    answered = serving.answer(project, CONFIG, tasks)

    predicted, nothing, unread = answered.results
    assert [region["value"]["labels"] for region in predicted["result"]] == [["PER"], ["LOC"]]
    assert [region["score"] for region in predicted["result"]] == [0.9, 0.7]
    assert predicted["score"] == 0.7
    assert LabelInterface(CONFIG).validate_prediction(predicted, return_errors=True) == []
    assert (nothing, unread) == ([], [])
    assert (answered.nothing, answered.problems) == ([2], {"null": [3]})


def prequential_outcomes(project, champion):
    minute = (datetime.now(UTC) - webhooks.T0) / timedelta(minutes=1)
    for number, (text, words) in enumerate(
        [("Ada met Bob", ["Ada", "Bob"]), ("Rome again", []), ("a quiet day", [])], start=5_000
    ):
        payload = webhooks.annotated(number, number, made=minute + 1)
        payload["annotation"]["result"] = result(text, *words)
        payload["task"]["data"] = {"text": text}
        payload["project"]["label_config"] = CONFIG
        events.record(project, "ANNOTATION_CREATED", payload)
    process_pending_events(project.pk)

    found = Outcome.objects.filter(source="prequential").order_by("task__labelstudio_id")
    assert [(o.human_classes, o.predicted_classes, o.correct) for o in found] == [
        (["PER"], ["PER"], True),
        ([], ["LOC"], False),
        ([], [], True),
    ]
    assert found[0].predicted == [span("Ada met Bob", "Ada"), span("Ada met Bob", "Bob")]
    accuracy = version_proportions(champion, ["prequential"])["prequential"]["names"]
    assert (accuracy.correct, accuracy.n) == (2, 3)


def reports(project, champion):
    before = project.versions.get(number=1)
    wrong = mistakes(project.versions.get(number=1))
    assert not mistakes(champion)
    tables = {table.label: table for table in confusion(champion, "names").tables}
    assert tables["PER"].both and not tables["PER"].human_only
    found = compare(before, champion)
    assert found.primary.name == spans.METRIC
    (target,) = found.targets
    assert [d.name for d in target.metrics] == [spans.METRIC]
    assert [d.name for d in target.per_class] == ["LOC", "PER"]
    assert (target.only_a, bool(wrong)) == (0, False)


def pages_and_routes(project, champion, client):
    client.force_login(User.objects.create_superuser("ada"))
    task = Task.objects.filter(classes=["names=LOC", "names=PER"]).first()
    outcome = champion.outcomes.filter(human_classes=["LOC", "PER"]).first()
    for model, row in (
        ("task", task), ("outcome", outcome), ("modelversion", champion), ("project", project),
        ("trainingrun", champion.run), ("target", champion.targets.get()),
    ):  # fmt: skip
        for page in (
            reverse(f"admin:registry_{model}_change", args=[row.pk]),
            reverse(f"admin:registry_{model}_changelist"),
        ):
            response = client.get(page)
            assert response.status_code == 200, page
    before = project.versions.get(number=1)
    listed = client.get(reverse("admin:registry_outcome_changelist")).content.decode()
    of_first = client.get(reverse("admin:registry_modelversion_change", args=[before.pk]))
    pages = {"a": before.pk, "b": champion.pk}
    compared = client.get(reverse("admin:registry_modelversion_compare"), pages)
    assert "LOC, PER" in listed
    assert "span agreement" in of_first.content.decode()
    assert (compared.status_code, "span agreement" in compared.content.decode()) == (200, True)

    def read(route):
        response = client.get(f"/api/{route}")
        assert response.status_code == 200, (route, response.content)
        return response.json()

    assert read(f"tasks/{task.pk}/")["labels"] == task.labels
    listed = read(f"outcomes/?version={champion.pk}&predicted=LOC")["results"]
    assert listed and all("LOC" in row["predicted_classes"] for row in listed)
    assert read(f"outcomes/{outcome.pk}/")["human"] == outcome.human
    compared = read(f"versions/{champion.pk}/compare/?with={before.pk}")
    assert compared["primary"]["name"] == spans.METRIC
    assert read(f"versions/{champion.pk}/card/")["targets"][0]["kind"] == "spans"
    assert "names" in client.get(f"/api/versions/{champion.pk}/card/markdown/").content.decode()
    assert read(f"versions/{champion.pk}/mistakes/") == []


def test_it_is_trained_promoted_predicted_and_listed(project, client):
    """The second of two versions: the first was trained without two of the four words.

    Of so many tasks enough are in the holdout, whichever are drawn.
    """
    put(project, [("Ada",), ("Rome",), ("Ada", "Rome"), ()] * 40)
    train(project)
    put(project, [("Bob", "Oslo"), ("Bob",)] * 60, first=1_000)
    train(project)

    evaluation_and_promotion(project, project.champion)
    predictions(project, project.champion)
    reports(project, project.champion)
    pages_and_routes(project, project.champion, client)
    prequential_outcomes(project, project.champion)
