"""The split that a task is assigned."""

import hashlib

import pytest

from registry.models import Task
from registry.splits import FIRST_SHARE, HOLDOUT_ENOUGH, LATER_SHARE, SplitAssigner, input_key
from tests.factories import ProjectFactory, TaskFactory

pytestmark = pytest.mark.django_db


def key(n: int) -> str:
    return hashlib.sha256(str(n).encode()).hexdigest()


def decide(splits: SplitAssigner, keys: list[str], label="Positive") -> list[str]:
    splits.look_up(keys)
    return [splits.decide(k, [f"label={label}"]) for k in keys]


def test_a_fifth_goes_to_the_holdout_until_it_has_enough():
    splits = SplitAssigner(ProjectFactory())
    decided = decide(splits, [key(n) for n in range(14_000)])
    first = decided[:9_000]
    assert 0.18 < first.count("holdout") / len(first) < 0.22
    later = decided[12_000:]
    assert decided[:12_000].count("holdout") >= HOLDOUT_ENOUGH
    assert 0.005 < later.count("holdout") / len(later) < 0.04


def test_the_later_share_is_a_subset_of_the_first():
    assert LATER_SHARE < FIRST_SHARE
    place = [int(key(n)[:13], 16) / 16**13 for n in range(1_000)]
    later = {n for n, p in enumerate(place) if p < LATER_SHARE}
    assert later < {n for n, p in enumerate(place) if p < FIRST_SHARE}


def test_a_split_does_not_depend_on_the_process():
    project = ProjectFactory()
    keys = [key(n) for n in range(500)]
    assert decide(SplitAssigner(project), keys) == decide(SplitAssigner(project), keys)


def test_equal_inputs_share_a_side():
    project = ProjectFactory()
    # A split that its hash would not give it.
    unlikely = next(k for k in map(key, range(100)) if int(k[:13], 16) / 16**13 > 0.5)
    TaskFactory(project=project, input_key=unlikely, labelled="Positive", split="holdout")
    assert decide(SplitAssigner(project), [unlikely, unlikely]) == ["holdout", "holdout"]


def test_an_input_that_was_learned_from_keeps_its_side_after_its_task_is_deleted():
    project = ProjectFactory()
    likely = next(k for k in map(key, range(100)) if int(k[:13], 16) / 16**13 < 0.1)
    task = TaskFactory(project=project, input_key=likely, labelled="Positive", split="train")
    Task.objects.filter(pk=task.pk).update(deleted_at=task.created_at)
    assert decide(SplitAssigner(project), [likely]) == ["train"]


def test_a_class_with_five_tasks_and_none_in_the_holdout_gives_it_its_next_new_one():
    project = ProjectFactory()
    train = [k for k in map(key, range(100)) if int(k[:13], 16) / 16**13 > 0.3]
    assert decide(SplitAssigner(project), train[:4], "Rare") == ["train"] * 4
    # Counted in one go, and from what is stored.
    assert decide(SplitAssigner(project), train[:7], "Rare") == ["train"] * 5 + ["holdout", "train"]
    for k in train[:5]:
        TaskFactory(project=project, input_key=k, labelled="Rare", split="train")
    assert decide(SplitAssigner(project), [train[6]], "Rare") == ["holdout"]
    assert decide(SplitAssigner(project), [train[6]], "Other") == ["train"]


def test_a_class_of_a_multiple_control_is_counted_by_label():
    project = ProjectFactory()
    train = [k for k in map(key, range(100)) if int(k[:13], 16) / 16**13 > 0.3]
    for k in train[:5]:
        TaskFactory(project=project, input_key=k, labels={"tags": ["x", "y"]}, split="train")
    splits = SplitAssigner(project)
    assert splits.decide(train[5], ["tags=z"]) == "train"
    assert splits.decide(train[6], []) == "train"
    assert splits.decide(train[7], ["tags=y", "tags=z"]) == "holdout"


def test_an_equal_input_goes_before_a_class_that_waits():
    project = ProjectFactory()
    train = [k for k in map(key, range(100)) if int(k[:13], 16) / 16**13 > 0.3]
    for k in train[:5]:
        TaskFactory(project=project, input_key=k, labelled="Rare", split="train")
    assert decide(SplitAssigner(project), [train[0]], "Rare") == ["train"]


def test_a_whole_sync_takes_few_queries(django_assert_max_num_queries):
    project = ProjectFactory()
    splits = SplitAssigner(project)
    with django_assert_max_num_queries(10):
        for start in range(0, 3_000, 1_000):
            decide(splits, [key(n) for n in range(start, start + 1_000)])


def test_keys_differ_between_projects_and_parts():
    keys = {
        input_key("1.1", ["a", "b"]),
        input_key("2.1", ["a", "b"]),
        input_key("1.1", ["a b"]),
        input_key("1.1", ["ab", ""]),
        input_key("1.1", ["b", "a"]),
    }
    assert len(keys) == 5
