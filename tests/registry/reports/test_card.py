"""A version's card."""

import json

import pytest

from registry.actions import champion
from registry.models import ModelVersion
from registry.reports.card import card, card_markdown
from tests.factories import TARGET, ImageTaskFactory, OutcomeFactory, ProjectFactory, promote

from .records import classifier, clusters, metric, queries, similarity

pytestmark = pytest.mark.django_db

P, N = "Positive", "Negative"
METRICS = [
    metric("primary", 0.8, target=""),
    metric("macro_f1", 0.8),
    metric("baseline_macro_f1", 0.4),
    metric("f1", 0.7, label=P, n=20),
    metric("learning_curve", 0.6, step=10, n=40),
    metric("learning_curve", 0.8, step=20, n=40),
]


@pytest.fixture
def project():
    return ProjectFactory(title="Reviews")


@pytest.fixture
def version(project):
    promote(classifier(project, [(P, P)], metrics=METRICS))
    return classifier(project, [(P, P), (N, P, 0.97)], metrics=METRICS, champion=True)


def test_a_card_is_all_that_json_can_say_of_a_version(project, version):
    for _ in range(20):
        OutcomeFactory(version=version)
    found = json.loads(json.dumps(card(ModelVersion.objects.get(pk=version.pk))))
    assert (found["version"], found["state"]) == (version.label, "champion")
    assert found["previous_champion"] == project.versions.get(number=1).label
    assert found["metrics"][0]["baseline"] == 0.4
    assert found["per_class"][0]["label"] == P
    assert found["confusion"][0]["counts"] == [[0, 1], [0, 1]]
    assert found["after_training"]["prequential"]["label"]["share"] == 1.0
    assert found["mistakes"][0]["score"] == 0.97
    assert found["lineage"]["artifact"]["sha256"] == version.artifact_sha256
    assert found["lineage"]["run"]["id"] == version.run_id
    assert found["lineage"]["environment"] == {"python": "3.11"}
    assert [a["verb"] for a in found["audit_entries"]] == ["promote"]


def test_a_card_names_the_audit_entry_that_took_the_version_out_of_service(project, version):
    before = project.versions.get(number=1)
    champion.roll_back(project, actor="ada", reason="Worse on Mondays.", to=before)
    for one in (version, before):
        entry = card(ModelVersion.objects.get(pk=one.pk))["audit_entries"][-1]
        assert (entry["verb"], entry["from"], entry["to"]) == (
            "roll_back",
            version.label,
            before.label,
        )
        assert entry["reason"] == "Worse on Mondays."


def test_a_card_holds_no_text_of_a_task(version):
    found = card(version)
    text = json.dumps(found) + card_markdown(found)
    assert "text number" not in text


def test_a_card_in_markdown_has_a_section_for_each_report_that_is_not_empty(version):
    text = card_markdown(card(version))
    assert text.startswith(f"# {version.label} of Reviews\n")
    for heading in (
        "## Metrics on the holdout",
        "## Classes",
        "## Confusion of label",
        "## Would more labels help?",
        "## Mistakes, highest score first",
        "## Lineage",
        "## Audit entries",
    ):
        assert heading in text
    assert "## Beside the humans who labelled after it" not in text
    assert "| label | macro F1 | 0.800 | – | 0.400 | 40 | 0.800 |" in text


def test_a_card_of_clusters_has_their_tasks_and_their_metrics(project):
    named = [("cats", "cats"), ("dogs", None)]
    images = {"images": 20, "cached": 19, "downloaded": 1, "embedded": 1, "unavailable": 0}
    described = {"dataset_counts": {"tasks": 20, "images": images}}
    sizes = {"cats": 14, "a|b": 6}
    version = clusters(project, sizes, named, exemplar_count=7, described=described)
    found = json.loads(json.dumps(card(ModelVersion.objects.get(pk=version.pk))))
    assert (found["primary_metric"], found["lineage"]["features"]) == ("adjusted_rand", "opencv-1")
    assert [(look["label"], look["n"]) for look in found["labels"]] == [("cats", 14), ("a|b", 6)]
    exemplar_tasks = project.tasks.filter(data__has_key="image").order_by("pk")
    tasks = [one.labelstudio_id for one in exemplar_tasks[:5]]
    assert found["labels"][0]["tasks"] == tasks
    text = card_markdown(found)
    assert f"| label | cats | 14 | {', '.join(map(str, tasks))} |" in text
    assert "| label | a\\|b | 6 |" in text
    assert "| all | primary metric (adjusted Rand) | 0.700 | – | 0.000 | 2 | – |" in text
    assert "| features | opencv-1 |" in text
    assert "| dataset: images | 20 images: 19 cached, 1 downloaded" in text
    for absent in ("## Classes", "## Would more labels help?", exemplar_tasks[0].data["image"]):
        assert absent not in text


def test_a_card_of_similarity_says_whose_count_a_label_has(project):
    version = similarity(
        project,
        [("cat", "cat"), ("dog", None)],
        metrics=[
            metric("precision_at_k", 0.6, target="is", step=10),
            metric("support", 7.0, target="is", label="cat", n=7),
            metric("recall", 0.5, target="is", label="cat", n=7),
        ],
        exemplars=[
            {"target": "is", "label": "cat", "task": task.pk, "score": 0.83}
            for task in ImageTaskFactory.create_batch(1, project=project)
        ],
    )
    text = card_markdown(card(version))
    assert "| is | precision at 10 | 0.600 |" in text
    assert "| is | cat | 7 of the holdout, by humans |" in text


def test_text_from_users_breaks_no_table(project):
    label = "<b>a|b</b>\n# [x](javascript:alert(1))"
    target = TARGET | {"labels": [label, P]}
    version = classifier(project, [(label, label), (P, label)], target=target)
    lines = card_markdown(card(version)).splitlines()
    (row,) = [line for line in lines if line.startswith("| Positive | ")]
    assert row == "| Positive | 1 | 0 |"
    assert not any("<b>" in line or "[x](" in line for line in lines)


def test_the_queries_do_not_grow_with_the_rows(project):
    def query_count(n):
        version = classifier(project, [(P, N)] * n, metrics=METRICS)
        version = ModelVersion.objects.get(pk=version.pk)
        return queries(lambda: card(version))

    assert query_count(2) == query_count(30) <= 14
