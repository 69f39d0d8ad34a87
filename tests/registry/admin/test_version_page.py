"""The page of a version: how good it is, where it is wrong, and how it was made."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from registry.actions import champion, registration, versions
from registry.models import Outcome, Project, Task, TrainingRun
from registry.training_result import MetricRow
from tests import factories as make
from tests.registry.admin.version_pages import classifier, page_of, url_of

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
DELETED = "was deleted in Label Studio"
UNKNOWN = "address is unknown"


def test_metrics_are_shown_beside_the_baseline_and_the_champion_before(client, version):
    metrics = [m | {"value": 0.7} if m["name"] == "primary" else m for m in make.METRICS]
    later = make.ModelVersionFactory(project=version.project, metrics=metrics)
    champion.apply_promotion_rule(later, None)
    page = page_of(client, later)
    assert ">0.820<" in page.replace("<b>", "").replace("</b>", "")  # accuracy
    assert ">0.500<" in page  # its baseline
    assert f"F1 of {version.label}" in page
    assert "−0.100" in page
    assert f"?a={version.pk}&amp;b={later.pk}" in page


def test_a_holdout_of_an_incomplete_reading_has_a_note(client, version):
    note = "the holdout are of 2000 of 20000 tasks"
    assert note not in page_of(client, version)
    so_far = {"read": 2_000, "of": 20_000}
    TrainingRun.objects.filter(pk=version.run_id).update(dataset_counts={"read_so_far": so_far})
    assert note in page_of(client, version)


def test_the_classes_are_listed_with_what_each_rests_on(client, version):
    page = page_of(client, version)
    assert 'aria-label="Classes of label"' in page
    assert ">20<" in page


def test_a_cell_of_the_confusion_opens_its_tasks(client, version):
    page = page_of(client, version)
    cell = (
        f"/admin/registry/outcome/?version__id__exact={version.pk}&source__exact=holdout"
        "&target=label&human=Positive&predicted=Negative"
    )
    assert f'href="{escape(cell)}"' in page
    listed = client.get(cell).content.decode()
    assert "text 1 Positive" in listed
    for other in ("text 0 Positive", "text 2 Negative", "text 3 Negative"):
        assert other not in listed
    assert "human label Positive, prediction Negative" in listed


def test_each_target_has_its_label_type_and_its_pipeline(client):
    targets = [
        make.TARGET,
        make.TARGET | {"name": "topics", "kind": "choices", "pipeline": "image_similarity"},
    ]
    page = page_of(client, make.ModelVersionFactory(targets=targets))
    for name, kind, pipeline in (
        ("label", "choice", "text_classification"),
        ("topics", "choices", "image_similarity"),
    ):
        row = next(row for row in page.split("<tr>") if f'class="wrapped">{name}</th>' in row)
        assert f"<td>{kind}</td><td>{pipeline}</td>" in row


def test_a_target_says_where_rare_labels_count_more(client):
    decision = "Rare labels count more (probability / frequency^0.5)."
    for of_target in ("", decision):
        targets = [make.TARGET | {"decision": of_target}]
        page = page_of(client, make.ModelVersionFactory(targets=targets))
        assert (decision in page, "rare_labels" in page) == (bool(of_target), bool(of_target))


def test_a_version_of_two_pipelines_shows_its_targets_apart_and_together(client):
    targets = [
        make.TARGET,
        make.TARGET
        | {"name": "group", "kind": "text", "pipeline": "image_clusters", "labels": ["cats"]},
        make.TARGET | {"name": "lost", "trained": False, "untrained_reason": "No labels."},
    ]
    values = {
        ("", "primary"): 0.6,
        ("", "baseline_primary"): 0.25,
        ("label", "macro_f1"): 0.7,
        ("label", "baseline_macro_f1"): 0.5,
        ("group", "adjusted_rand"): 0.5,
        ("group", "baseline_adjusted_rand"): 0.0,
    }
    version = make.ModelVersionFactory(
        targets=targets,
        primary_metric="primary",
        pipeline="image_clusters, text_classification",
        metrics=[
            {"target": target, "name": name, "value": value, "n": 40}
            for (target, name), value in values.items()
        ],
    )
    page = " ".join(re.sub("<[^>]+>", " ", page_of(client, version)).split())
    assert "Primary metric (mean over targets) 0.600 baseline 0.250, n = 40" in page
    assert "all targets primary metric (mean over targets) 0.600 0.250 40" in page
    assert "label macro F1 0.700 0.500 40" in page
    assert "group adjusted Rand 0.500 0.000 40" in page
    assert "baseline_primary" not in page
    assert "Pipeline image_clusters, text_classification" in page
    assert "no: No labels." in page
    for target in ("label", "group"):
        shown = page_of(client, version, f"?target={target}")
        assert f'href="?target={target}#target" aria-current="page"' in shown


def test_a_cell_of_a_label_of_several_opens_its_tasks(client):
    project = make.ProjectFactory()
    answers = [(["a", "b"], ["a"], 0.9), ([], ["b"], 0.6), (["b"], ["b"], 0.7)]
    target = make.TARGET | {"kind": "choices", "labels": ["a", "b"]}
    rows = []
    for number, (human, predicted, score) in enumerate(answers):
        task = make.TaskFactory(project=project, data={"text": f"text {number}"})
        answer = {"predicted": predicted, "score": score, "human": human}
        rows.append({"task": task.pk, "target": "label", "correct": human == predicted, **answer})
    version = make.ModelVersionFactory(project=project, targets=[target], outcomes=rows)
    page = page_of(client, version)
    cell = (
        f"/admin/registry/outcome/?version__id__exact={version.pk}&source__exact=holdout"
        "&target=label&label=b&cell=human_only"
    )
    assert f'href="{escape(cell)}"' in page
    listed = client.get(cell).content.decode()
    assert "text 0" in listed
    assert "text 1" not in listed
    assert "text 2" not in listed


def test_the_metric_on_all_labels_is_shown_with_its_interval(client):
    ends = {"primary": 0.712, "primary_low": 0.641, "primary_high": 0.768}
    combined = [
        {"name": name, "value": value, "n": 160, "split": "combined"}
        for name, value in ends.items()
    ]
    page = page_of(client, make.ModelVersionFactory(metrics=[*make.METRICS, *combined]))
    assert "Holdout and out of fold" in page
    assert "0.712" in page
    assert "95 % 0.641 to 0.768, n = 160" in page


@pytest.mark.parametrize("query", ["target=x", "human=a", "cell=none&label=a", "predicted="])
def test_any_words_for_a_cell_are_taken(client, version, query):
    for scope in ("", *(f"&version__id__exact={number}" for number in (version.pk, "x", "9" * 30))):
        response = client.get(f"/admin/registry/outcome/?{query}{scope}")
        assert response.status_code in (200, 302)


def test_the_surest_mistake_comes_first_with_its_text_and_task(client, version):
    page = page_of(client, version)
    mistakes = page[page.index("Mistakes, highest score first") : page.index("Learning curve of")]
    assert mistakes.index("text 3 Negative") < mistakes.index("text 1 Positive")
    assert "95%" in mistakes
    assert "text 0" not in mistakes


def test_the_learning_curve_says_whether_more_labels_would_help(client, version):
    assert "No learning curve yet" in page_of(client, version)
    points = [(100, 0.5), (200, 0.7)]
    rows = [
        MetricRow("learning_curve", value, 100, target="label", step=step) for step, value in points
    ]
    registration.add_metrics(version, rows)
    assert "More labels would probably help" in page_of(client, version)


def test_the_targets_are_listed_with_their_label_types(client, version):
    assert f"<td>{make.TARGET['kind']}</td>" in page_of(client, version)


def test_one_target_at_a_time_is_looked_into(client):
    project = make.ProjectFactory()
    targets = [make.TARGET | {"name": name} for name in ("mood", "topic")]
    version = make.ModelVersionFactory(project=project, targets=targets)
    assert 'aria-label="Classes of mood"' in page_of(client, version)
    assert 'aria-label="Classes of topic"' in page_of(client, version, "?target=topic")
    assert 'aria-label="Classes of mood"' in page_of(client, version, "?target=none")


def test_lineage_names_run_artifact_and_packages(client, version):
    page = page_of(client, version)
    for text in (version.artifact_sha256, version.artifact, version.recipe, "python", "3.11"):
        assert text in page
    assert reverse("admin:registry_trainingrun_change", args=[version.run_id]) in page


def test_the_page_takes_few_queries_however_many_rows_it_has(client, version):
    def queries(version):
        page_of(client, version)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            page_of(client, version)
        return len(captured)

    assert queries(version) <= 20
    targets = [make.TARGET | {"name": f"t{n}"} for n in range(6)]
    large = make.ModelVersionFactory(project=version.project, targets=targets, champion=True)
    make.OutcomeFactory.create_batch(5, version=large)
    for _ in range(3):
        versions.note(large, "a note", actor="ada")
    assert queries(large) <= 20


def test_hostile_labels_texts_and_notes_are_escaped(client):
    project = make.ProjectFactory(title=HOSTILE)
    version = classifier(
        project, [(HOSTILE, "Positive", 0.9)], labels=[HOSTILE, "Positive"], target=HOSTILE
    )
    versions.note(version, HOSTILE, actor=HOSTILE)
    task = version.outcomes.get().task
    task.data = {"text": HOSTILE}
    task.save()
    other = make.ModelVersionFactory(project=project)
    compared = f"/admin/registry/modelversion/compare/?a={version.pk}&b={other.pk}"
    cell = f"/admin/registry/outcome/?version__id__exact={version.pk}&target={HOSTILE}&human=x"
    for url in (url_of(version), compared, cell, cell.replace("&human=x", "")):
        assert HOSTILE not in client.get(url).content.decode(), url


def test_tasks_without_a_link_to_label_studio_say_why_once_on_a_page(client, version):
    later = classifier(version.project, [("Positive", "Negative", 0.9)] * 3)
    outcome = later.outcomes.first()
    Outcome.objects.filter(version=version).delete()
    for one in later.outcomes.all():
        right = {"source": "holdout", "predicted": "Positive", "score": 0.9}
        make.OutcomeFactory(version=version, task=one.task, **right)
    pages = [
        url_of(later),
        f"/admin/registry/outcome/?version__id__exact={later.pk}",
        f"/admin/registry/outcome/{outcome.pk}/change/",
        f"/admin/registry/modelversion/compare/?a={version.pk}&b={later.pk}",
        f"/admin/registry/task/{outcome.task_id}/change/",
    ]

    def note_counts(page):
        return [client.get(page).content.decode().count(note) for note in (DELETED, UNKNOWN)]

    assert [note_counts(page) for page in pages] == [[0, 0]] * 5
    Task.objects.filter(pk=outcome.task_id).update(deleted_at=outcome.at)
    assert [note_counts(page) for page in pages] == [[1, 0]] * 5
    Project.objects.filter(pk=version.project_id).update(hostname="")
    counts = [note_counts(page) for page in pages]
    assert counts == [[0, 1], [0, 1], [1, 0], [0, 1], [1, 0]]  # each of one deleted task


def test_a_failed_load_has_the_same_badge_on_every_page(client, version):
    broken = make.ModelVersionFactory(project=version.project)
    versions.mark_load_failed(broken, "corrupt")
    project = reverse("admin:registry_project_change", args=[version.project_id])
    listed = reverse("admin:registry_modelversion_changelist")
    compared = reverse("admin:registry_modelversion_compare") + f"?a={version.pk}&b={broken.pk}"
    for url in (url_of(broken), listed, project, compared):
        assert ">load failed</span>" in client.get(url).content.decode(), url
    assert broken.state == "load_failed"
