"""Two versions side by side."""

from dataclasses import replace

import pytest

from registry.actions import label_renames, projects
from registry.reports.compare import TASKS_SHOWN, compare
from registry.reports.paired_sample import Difference
from tests.factories import ProjectFactory, TaskFactory

from .records import TOPICS, classifier, clusters, labelled_tasks, metric, queries, similarity

pytestmark = pytest.mark.django_db

P, N = "Positive", "Negative"


@pytest.fixture
def project():
    return ProjectFactory()


def test_only_tasks_that_both_were_evaluated_on_count(project):
    ids = labelled_tasks(project, 5)
    a = classifier(project, [(P, P), (N, P), (N, P), (P, P)], ids[:4])
    b = classifier(project, [(N, N), (N, N), (P, N), (P, N)], ids[1:])
    found = compare(a, b)
    (target,) = found.targets
    assert (found.n, target.n, target.target, target.kind) == (3, 3, "label", "choice")
    assert {d.name: (d.a, d.b) for d in target.metrics}["accuracy"] == (1 / 3, 2 / 3)
    assert found.primary.difference == pytest.approx(target.metrics[0].difference)
    assert (target.only_a, target.only_b, target.p_value) == (1, 2, 1.0)


def test_the_tasks_that_one_has_right_are_listed_the_surest_first(project):
    ids = labelled_tasks(project, 4)
    a = classifier(project, [(P, P, 0.8), (P, N, 0.6), (P, N, 0.9), (P, P, 0.7)], ids)
    b = classifier(project, [(P, N, 0.7), (P, P, 0.5), (P, P, 0.6), (P, P, 0.9)], ids)
    (target,) = compare(a, b).targets
    assert [d.task.id for d in target.b_right] == [ids[2], ids[1]]
    (only_a,) = target.a_right
    assert (only_a.task.id, only_a.human, only_a.a, only_a.b) == (ids[0], P, P, N)
    assert (only_a.score_a, only_a.score_b) == (0.8, 0.7)
    assert only_a.task.text


def test_both_are_compared_on_the_human_labels_of_the_later_one(project):
    """A human corrected the label between the two runs."""
    ids = labelled_tasks(project, 2)
    a = classifier(project, [(N, N), (P, P)], ids)
    b = classifier(project, [(P, P), (P, P)], ids)
    for found in (compare(a, b).targets[0], compare(b, a).targets[0]):
        assert {found.only_a, found.only_b} == {0, 1}
    (accuracy,) = [d for d in compare(a, b).targets[0].metrics if d.name == "accuracy"]
    assert (accuracy.a, accuracy.b) == (0.5, 1.0)


def test_classes_differ_each_by_itself(project):
    ids = labelled_tasks(project, 4)
    a = classifier(project, [(P, P), (P, P), (N, P), (N, N)], ids)
    b = classifier(project, [(P, P), (P, P), (N, N), (N, N)], ids)
    (target,) = compare(a, b).targets
    by_label = {d.name: d for d in target.per_class}
    assert by_label[N].a == pytest.approx(2 / 3)
    assert (by_label[N].b, by_label[N].n) == (1.0, 2)
    assert by_label[P].difference == pytest.approx(1 - 4 / 5)


def test_sets_are_compared_as_sets(project):
    ids = labelled_tasks(project, 2)
    a = classifier(project, [(["Food"], ["Food", "Price"]), ([], [])], ids, target=TOPICS)
    b = classifier(project, [(["Food"], ["Food"]), ([], ["Staff"])], ids, target=TOPICS)
    (target,) = compare(a, b).targets
    assert target.kind == "choices"
    assert [d.name for d in target.metrics] == ["macro_f1", "subset_accuracy", "micro_f1"]
    assert (target.only_a, target.only_b) == (1, 1)


def test_the_summary_claims_a_difference_only_where_the_interval_does(project):
    ids = labelled_tasks(project, 60)
    truth = [P, N] * 30
    bad = classifier(project, [(h, P) for h in truth], ids)
    good = classifier(project, [(h, h) for h in truth], ids)
    also = classifier(project, [(h, h) for h in truth], ids)
    assert compare(bad, good).summary.startswith(f"{good.label} is better than {bad.label}")
    assert compare(good, bad).summary.startswith(f"{bad.label} is worse than {good.label}")
    assert compare(good, also).summary.startswith("No clear difference")
    other = classifier(project, [(P, P)])
    assert "no evaluated task in common" in compare(good, other).summary


def test_what_each_recorded_is_shown_beside_it(project):
    a = classifier(project, [(P, P)], metrics=[metric("log_loss", 0.7), metric("ece", 0.1)])
    b = classifier(project, [(P, P)], metrics=[metric("log_loss", 0.6, n=50)])
    rows = {r.name: (r.a, r.n_a, r.b, r.n_b) for r in compare(a, b).recorded}
    assert rows == {"log_loss": (0.7, 40, 0.6, 50), "ece": (0.1, 40, None, 0)}


def test_primary_metrics_that_measure_something_else_stand_in_rows_of_their_own(project):
    ids = labelled_tasks(project, 2)
    a = clusters(project, {"cats": 4, "dogs": 2})
    b = clusters(project, {"cats": 4, "dogs": 2}, [("cats", "cats"), ("dogs", "cats")], ids)
    rows = {(r.name, r.metric): (r.a, r.b) for r in compare(a, b).recorded}
    assert rows["primary", "silhouette"] == (0.31, None)
    assert rows["primary", "adjusted_rand"] == (None, 0.7)
    assert rows["silhouette", "silhouette"] == (0.31, 0.31)
    assert not any(name.startswith("baseline") for name, _ in rows)


def test_precision_at_each_k_is_a_row_of_its_own(project):
    a, b = (
        classifier(project, [(P, P)], metrics=[metric("precision_at_k", 0.6, step=k)])
        for k in (5, 10)
    )
    rows = {(r.name, r.k): (r.a, r.b) for r in compare(a, b).recorded}
    assert rows == {("precision_at_k", 5): (0.6, None), ("precision_at_k", 10): (None, 0.6)}


def test_versions_that_predict_one_label_or_none_are_compared_on_that_label(project):
    humans = ["cat", "cat", "dog", "bird"]
    ids = labelled_tasks(project, 4)
    a = similarity(project, list(zip(humans, ["cat", None, None, "cat"], strict=True)), ids)
    b = similarity(project, list(zip(humans, ["cat", "cat", None, "cat"], strict=True)), ids)
    found = compare(a, b)
    (target,) = found.targets
    assert [(d.name, d.n) for d in target.per_class] == [("cat", 2), ("not cat", 2)]
    accuracy = {d.name: (d.a, d.b) for d in target.metrics}["accuracy"]
    assert accuracy == (0.5, 0.75)
    assert (target.only_a, target.only_b) == (0, 1)
    (gained,) = target.b_right
    assert (gained.task.id, gained.human, gained.a, gained.b) == (ids[1], "cat", None, "cat")


def test_one_label_of_a_multiple_choice_may_be_left_out_by_humans_too(project):
    """A label is compared like a checkbox: no label is an answer too."""
    spam = TOPICS | {"labels": ["Spam"]}
    ids = labelled_tasks(project, 3)
    a = classifier(project, [([], []), (["Spam"], []), ([], [])], ids, target=spam)
    b = classifier(project, [([], []), (["Spam"], ["Spam"]), (["Spam"], [])], ids, target=spam)
    (target,) = compare(a, b).targets
    assert [d.name for d in target.per_class] == ["Spam"]
    assert (target.only_a, target.only_b) == (0, 1)


def test_versions_that_never_answered_are_compared_all_the_same(project):
    ids = labelled_tasks(project, 2)
    a, b = (clusters(project, {"cats": 9}, [("cats", None), ("dogs", None)], ids) for _ in "ab")
    found = compare(a, b)
    assert (found.primary.a, found.primary.b, found.n) == (0.0, 0.0, 2)
    assert found.summary.startswith("No clear difference")


def test_versions_of_two_projects_are_not_compared(project):
    with pytest.raises(ValueError, match="two projects"):
        compare(classifier(project, [(P, P)]), classifier(ProjectFactory(), [(P, P)]))


def test_the_queries_do_not_grow_with_the_outcomes(project):
    def pair(n):
        ids = labelled_tasks(project, n)
        return classifier(project, [(P, P)] * n, ids), classifier(project, [(P, N)] * n, ids)

    few, many = pair(2), pair(TASKS_SHOWN + 5)
    assert queries(lambda: compare(*few)) == queries(lambda: compare(*many)) == 6
    (target,) = compare(*many).targets
    assert (target.only_a, len(target.a_right)) == (TASKS_SHOWN + 5, TASKS_SHOWN)
    assert target.p_value < 0.001


def test_deleted_tasks_are_marked_as_deleted(project):
    task = TaskFactory(project=project, labelled=P)
    a, b = classifier(project, [(P, P)], [task.pk]), classifier(project, [(P, N)], [task.pk])
    task.deleted_at = task.created_at
    task.save()
    assert compare(a, b).targets[0].a_right[0].task.deleted


def test_the_summary_of_an_error_metric_is_better_when_it_is_lower(project):
    a, b = classifier(project, [(P, P)]), classifier(project, [(P, P)])
    fell = Difference("mae", 0.5, 0.2, -0.3, (-0.4, -0.2), 50)
    found = replace(compare(a, b), primary=fell)
    assert found.summary.startswith(f"{b.label} is better than {a.label}: MAE -0.300")


def test_labels_that_were_renamed_are_compared_by_their_names_of_today(project):
    ids = labelled_tasks(project, 3)
    a = classifier(project, [(P, P), (N, P), (N, N)], ids)
    before, after = {"label": [P, N]}, {"label": [P, "Bad"]}
    projects.set_config(
        project,
        project.label_config,
        fingerprint="2",
        pipeline=project.pipeline,
        labels_before=before,
        labels=after,
    )
    label_renames.rename(project, f"label: {N} -> Bad", actor="ada")
    b = classifier(project, [(P, P), ("Bad", "Bad"), ("Bad", "Bad")], ids)

    (target,) = compare(a, b).targets

    assert {d.name: (d.a, d.b) for d in target.metrics}["accuracy"] == (2 / 3, 1)
    assert {d.name for d in target.per_class} == {P, "Bad"}
    (mistake,) = target.b_right
    assert (mistake.human, mistake.a, mistake.b) == ("Bad", P, "Bad")
    assert {o.human for o in a.outcomes.all()} == {P, N}
