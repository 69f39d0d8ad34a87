"""Today's names of earlier labels, and the renames that are offered."""

from datetime import UTC, datetime, timedelta

import pytest

from registry.label_renames import Renames, after_config, label_changes, offered

T0 = datetime(2026, 11, 23, tzinfo=UTC)


class Labels:
    """A control whose config changes day by day; `day` is the number of the next one."""

    def __init__(self, *labels):
        self.labels, self.changes, self.stored, self.day = list(labels), {}, [], 1

    def config(self, *labels):
        """The config has these labels from now on."""
        before, after = {"c": self.labels}, {"c": list(labels)}
        self.changes = label_changes(self.changes, before, after, self.now)
        self.stored = after_config(self.stored, before, after, self.now)
        self.labels = list(labels)
        self.day += 1
        return self

    def confirm(self, old, new):
        (chosen,) = [r for r in self.offers if (r.old, r.new) == (old, new)]
        self.stored = [*self.stored, chosen.to_dict()]
        return self

    @property
    def now(self):
        return T0 + timedelta(days=self.day)

    @property
    def offers(self):
        return offered(self.changes, self.stored)

    @property
    def pairs(self):
        return [(r.old, r.new) for r in self.offers]

    def today(self, label, day):
        """Today's name of a label that was set on a day."""
        at = T0 + timedelta(days=day, hours=12)
        return Renames(self.stored).today("c", label, at, self.labels)


def test_a_label_that_goes_with_one_that_comes_is_offered():
    labels = Labels("a", "b").config("a", "c")

    assert [r.text for r in labels.offers] == ["c: b -> c"]
    assert labels.confirm("b", "c").pairs == []


@pytest.mark.parametrize(
    "configs", [[("a", "b", "c"), ("a", "c")], [("a",), ("a", "c")]], ids=["added", "removed"]
)
def test_the_two_may_be_changed_one_after_the_other(configs):
    labels = Labels("a", "b")
    for one in configs:
        labels.config(*one)

    assert labels.pairs == [("b", "c")]


def test_a_label_that_came_long_before_is_not_the_new_name():
    labels = Labels("a", "b").config("a", "b", "c")
    labels.day += 30

    assert labels.config("a", "c").pairs == []


def test_of_several_every_pair_is_offered():
    labels = Labels("a", "b").config("x", "y")

    assert labels.pairs == [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]
    assert labels.confirm("a", "y").pairs == [("b", "x"), ("b", "y")]


@pytest.mark.parametrize("labels", [("a", "b", "c"), ("b", "a"), ("a",)])
def test_no_other_change_is_offered(labels):
    assert Labels("a", "b").config(*labels).pairs == []


def test_another_control_is_not_concerned():
    renames = Renames(Labels("a", "b").config("a", "c").confirm("b", "c").stored)

    assert renames.today("other", "b", T0) == "b"


def test_a_chain_leads_to_its_end():
    labels = Labels("a", "z").config("b", "z").confirm("a", "b")
    labels.config("c", "z").confirm("b", "c")

    assert [labels.today(label, day) for label, day in (("a", 0), ("b", 1), ("c", 2))] == ["c"] * 3


def test_there_and_back_is_as_it_was():
    labels = Labels("a", "z").config("b", "z").confirm("a", "b")
    labels.config("a", "z").confirm("b", "a")

    assert [labels.today(label, day) for label, day in (("a", 0), ("b", 1), ("a", 2))] == ["a"] * 3


def test_two_labels_can_change_places():
    labels = Labels("a", "b").config("tmp", "b").confirm("a", "tmp")
    labels.config("tmp", "a").confirm("b", "a")
    labels.config("b", "a").confirm("tmp", "b")

    assert (labels.today("a", 0), labels.today("b", 0)) == ("b", "a")
    assert (labels.today("tmp", 1), labels.today("b", 1)) == ("b", "a")
    assert (labels.today("tmp", 2), labels.today("a", 2)) == ("b", "a")
    assert (labels.today("a", 3), labels.today("b", 3)) == ("a", "b")


def test_a_change_that_is_taken_back_leaves_the_label_as_it_was():
    """The reverse change needs no confirmation."""
    labels = Labels("a", "z").config("b", "z").confirm("a", "b").config("a", "z")

    assert labels.today("a", 0) == "a"
    assert labels.pairs == [("b", "a")]


def test_only_labels_with_another_name_have_one():
    renames = Renames(Labels("a", "b").config("a", "c").confirm("b", "c").stored)

    assert renames.names("c", T0) == {"b": "c"}
