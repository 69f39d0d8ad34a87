"""Examples of each label to a version."""

import pytest

from registry.models import ModelVersion
from registry.reports.exemplars import exemplars
from registry.reports.metrics import per_class
from tests.factories import METRICS, ImageTaskFactory, ModelVersionFactory, ProjectFactory

from .records import classifier, clusters, metric, queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return ProjectFactory()


def test_the_best_examples_of_each_label_come_first_and_large_labels_before_small_ones(project):
    version = clusters(project, {"small": 3, "large": 400, "middle": 20}, exemplar_count=5)
    found = exemplars(version, limit=3)
    assert [(look.label, look.n, look.total) for look in found] == [
        ("large", 400, 5),
        ("middle", 20, 5),
        ("small", 3, 5),
    ]
    for look in found:
        assert [example.score for example in look.examples] == [0.9, 0.89, 0.88]
        assert {example.task.kind for example in look.examples} == {"image"}
        assert not look.by_humans


def test_exemplars_are_filtered_by_label_and_target(project):
    version = clusters(project, {"cats": 3, "dogs": 2})
    assert [look.label for look in exemplars(version, label="dogs")] == ["dogs"]
    assert exemplars(version, label="birds") == exemplars(version, target="other") == []
    assert len(exemplars(version, target="label")) == 2


def test_of_many_labels_the_later_ones_are_named_alone(project):
    version = clusters(project, {f"cluster {n}": 100 - n for n in range(5)})
    found = exemplars(version, most=2)
    assert [len(look.examples) for look in found] == [2, 2, 0, 0, 0]
    assert [look.total for look in found] == [2, 2, None, None, None]
    assert [look.n for look in found] == [100, 99, 98, 97, 96]


def test_a_label_with_a_support_metric_has_the_count_of_human_labels(project):
    task = ImageTaskFactory(project=project)
    version = ModelVersionFactory(
        project=project,
        metrics=[
            metric("support", 7.0, label="Positive", n=7),
            metric("recall", 0.5, label="Positive", n=7),
        ],
        exemplars=[
            {"target": "label", "label": label, "task": task.pk, "score": 0.8}
            for label in ("Positive", "Negative")
        ],
    )
    counted, uncounted = exemplars(version)
    assert (counted.label, counted.n, counted.by_humans) == ("Positive", 7, True)
    assert (uncounted.label, uncounted.n, uncounted.by_humans) == ("Negative", None, False)


def test_a_version_without_stored_exemplars_has_none(project):
    assert exemplars(classifier(project, [("Positive", "Positive")], metrics=METRICS)) == []


def test_the_queries_grow_neither_with_labels_nor_with_examples(project):
    def query_count(labels, per_label):
        made = clusters(
            project, {f"cluster {n}": n for n in range(labels)}, exemplar_count=per_label
        )
        version = ModelVersion.objects.select_related("project").get(pk=made.pk)
        return queries(lambda: exemplars(version))

    assert query_count(1, 1) == query_count(25, 15) == 2
    text = ModelVersion.objects.get(pk=classifier(project, [("Positive", "Positive")]).pk)
    assert queries(lambda: exemplars(text)) == 2
    assert queries(lambda: exemplars(text, most=1, classes=per_class(text))) == 2
