"""The predictions of a version by human label."""

import pytest

from registry.reports.confusion import (
    NO_ANSWER,
    LabelTable,
    confusion,
    in_label_cell,
    outcomes,
    with_prediction,
)
from tests.factories import OutcomeFactory, ProjectFactory

from .records import TOPICS, classifier, queries

pytestmark = pytest.mark.django_db

PAIRS = [
    ("Positive", "Positive"),
    ("Positive", "Positive"),
    ("Positive", "Negative"),
    ("Negative", "Negative"),
    ("Mixed", "Positive"),
]
SETS = [
    (["Food"], ["Food"]),
    (["Food", "Price"], ["Food"]),
    ([], ["Staff"]),
    (["Price"], []),
]


@pytest.fixture
def project():
    return ProjectFactory()


def test_each_cell_counts_the_tasks_of_one_human_label_and_one_prediction(project):
    version = classifier(project, PAIRS)
    found = confusion(version, "label")
    assert found.labels == ["Negative", "Positive", "Mixed"]
    assert found.counts == [[1, 0, 0], [1, 2, 0], [0, 1, 0]]
    assert (found.kind, found.n) == ("choice", 5)


def test_each_cell_opens_the_outcomes_in_it(project):
    version = classifier(project, PAIRS)
    found = confusion(version, "label")
    for human, counts in zip(found.labels, found.counts, strict=True):
        for predicted, n in zip(found.labels, counts, strict=True):
            opened = with_prediction(outcomes(version, "label").filter(human=human), predicted)
            assert len(opened) == n
            assert all((o.human, o.predicted) == (human, predicted) for o in opened)


def test_a_task_without_an_answer_has_a_column_of_its_own(project):
    version = classifier(project, [*PAIRS, ("Positive", None)])
    found = confusion(version, "label")
    assert found.labels[-1] == NO_ANSWER
    assert found.counts[1] == [1, 2, 0, 1]
    assert len(with_prediction(outcomes(version, "label"), NO_ANSWER)) == 1


def test_other_sources_versions_and_targets_are_left_out(project):
    version = classifier(project, PAIRS[:1])
    classifier(project, PAIRS)
    OutcomeFactory(version=version)
    OutcomeFactory(version=version, target="other", source="holdout")
    assert confusion(version, "label").n == 1
    assert confusion(version, "label", source="prequential").n == 1


def test_sets_have_a_two_by_two_for_each_label(project):
    version = classifier(project, SETS, target=TOPICS)
    found = confusion(version, "topics")
    assert found.tables == [
        LabelTable("Food", both=2, human_only=0, model_only=0, neither=2),
        LabelTable("Price", both=0, human_only=2, model_only=0, neither=2),
        LabelTable("Staff", both=0, human_only=0, model_only=1, neither=3),
    ]
    assert (found.kind, found.n, found.counts) == ("choices", 4, [])


def test_the_four_cells_of_a_label_open_their_outcomes(project):
    version = classifier(project, SETS, target=TOPICS)
    for table in confusion(version, "topics").tables:
        counted = {
            (True, True): table.both,
            (True, False): table.human_only,
            (False, True): table.model_only,
            (False, False): table.neither,
        }
        for (human, predicted), n in counted.items():
            opened = in_label_cell(
                outcomes(version, "topics"), table.label, human=human, predicted=predicted
            )
            assert len(opened) == n, (table.label, human, predicted)


def test_the_queries_do_not_grow_with_the_outcomes(project):
    few, many = classifier(project, PAIRS), classifier(project, PAIRS * 5)
    for version in (few, many):
        assert queries(lambda v=version: confusion(v, "label")) == 2
        target = version.targets.get()
        assert queries(lambda v=version, t=target: confusion(v, t)) == 1


def test_a_human_without_a_label_is_counted_beside_those_with_one(project):
    found = confusion(
        classifier(project, [("Positive", "Positive"), ("", None), ("", "Negative")]), "label"
    )
    assert found.labels[-1] == NO_ANSWER
    assert found.counts[-1] == [1, 0, 1]
    assert sum(map(sum, found.counts)) == found.n == 3
