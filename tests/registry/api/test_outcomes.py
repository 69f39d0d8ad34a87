"""/api/outcomes/."""

from tests import factories as make

from .conftest import WHO, asked, code


def test_answers_are_listed_with_their_task(viewer, version):
    outcome = make.OutcomeFactory(version=version, predicted=None, score=None)
    (told,) = viewer.rows("outcomes/")
    assert told["task"] == {"id": outcome.task_id, "labelstudio_id": outcome.task.labelstudio_id}
    assert told["version"]["label"] == version.label
    assert told["predicted"] is None
    assert viewer.get(f"outcomes/{outcome.pk}/").json() == told


def test_more_answers_take_no_more_queries(viewer, version):
    make.OutcomeFactory.create_batch(5, version=version)
    with asked(WHO + 1):
        assert len(viewer.rows("outcomes/")) == 5


def test_answers_are_filtered_and_ordered_within_a_version(viewer, version):
    wrong = make.OutcomeFactory(version=version, predicted="Negative", score=0.5)
    none = make.OutcomeFactory(version=version, predicted=None, score=None)
    right = make.OutcomeFactory(version=version, source="holdout", score=0.9)

    def ids(**query):
        return [row["id"] for row in viewer.rows("outcomes/", {"version": version.pk, **query})]

    assert ids(correct="false") == [none.pk, wrong.pk]
    assert ids(source="holdout", target="label") == [right.pk]
    assert ids(task=wrong.task_id) == [wrong.pk]
    assert ids(ordering="score") == [wrong.pk, right.pk, none.pk]
    assert ids(ordering="-score") == [right.pk, wrong.pk, none.pk]


def test_answers_are_filtered_by_label_alone_or_among_others(viewer, version):
    def outcome(human, predicted):
        return make.OutcomeFactory(version=version, human=human, predicted=predicted)

    single = outcome("Odd", "Even"), outcome("Odd ", None), outcome("Even", "Odd")
    several = outcome(["Even", "Odd"], ["Odd"]), outcome([], ["Even", "Oddly"])
    make.OutcomeFactory(human="Odd", predicted="Even")  # another version's

    def ids(**query):
        return [row["id"] for row in viewer.rows("outcomes/", {"version": version.pk, **query})]

    assert ids(human="Odd") == [several[0].pk, single[0].pk]
    assert ids(human="Odd ") == [single[1].pk]
    assert ids(predicted="Odd") == [several[0].pk, single[2].pk]
    assert ids(human="Odd", predicted="Even") == [single[0].pk]
    assert ids(human='["Even", "Odd"]') == ids(predicted="null") == []
    assert viewer.get("outcomes/", {"version": version.pk, "human": "\0"}).status_code == 400


def test_labels_are_looked_for_within_a_version_only(viewer, version):
    for query in ({"human": "Odd"}, {"predicted": "Odd"}, {"source": "holdout", "human": "Odd"}):
        answer = viewer.get("outcomes/", query)
        assert (answer.status_code, code(answer)) == (400, "filter_needed")
