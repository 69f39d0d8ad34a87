"""A loaded version, as it serves."""

import subprocess
import sys
import threading

import pytest

from mlapi import pipelines
from mlapi.domain import NoPrediction, Prediction
from mlapi.inputs.text.objects import MAX_CHARACTERS
from mlapi.label_types import value_of
from mlapi.pipelines.artifact import pack
from tests.mlapi.pipelines.texts import some_texts, target_spec, text_classifier


@pytest.fixture(scope="module")
def predictor():
    model = text_classifier(targets=2)
    return pipelines.get("text_classification").load(pack(model.pipeline, model.to_parts()))


def test_every_trained_target_is_answered(predictor):
    (answers,) = predictor.predict([{"text": "a ripe apple and a plum"}])

    assert set(answers) == {"topic", "topic_2"}
    assert (value_of(answers["topic"]), answers["topic"].kind) == ("fruit", "choice")
    assert 1 / 3 < answers["topic"].score <= 1
    assert predictor.nbytes > 0


def test_a_version_that_reads_words_predicts_without_scikit_learn(tmp_path):
    """Each process that serves would have 30 MB more, most of it SciPy's."""
    model = text_classifier()
    (tmp_path / "artifact").write_bytes(pack(model.pipeline, model.to_parts()))
    program = (
        "import pathlib, sys; from mlapi import pipelines;"
        "content = pathlib.Path(sys.argv[1]).read_bytes();"
        "predictor = pipelines.get('text_classification').load(content);"
        "(answers,) = predictor.predict([{'text': 'a ripe apple and a plum'}]);"
        "assert answers['topic'].score > 1 / 3;"
        "print([m for m in ('sklearn', 'scipy.optimize', 'scipy.stats') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "artifact"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_a_task_that_cannot_be_read_does_not_affect_others(predictor):
    good = {"text": "the moon and a star"}
    bad = [{}, {"text": None}, {"text": {}}, {"text": [""]}, {"text": ""}, None, "x"]
    rows = [good, *bad, good]

    answers = predictor.predict(rows)

    assert [type(row["topic"]) for row in answers] == [
        Prediction,
        *[NoPrediction] * len(bad),
        Prediction,
    ]
    assert answers[0] == answers[-1]
    assert [row["topic"].code for row in answers[1:4]] == ["field_missing", "null", "not_text"]


def test_no_tasks_and_no_readable_task_are_answered(predictor):
    assert predictor.predict([]) == []
    assert isinstance(predictor.predict([{}])[0]["topic"], NoPrediction)


@pytest.mark.parametrize("text", ["\x00\x1b", "😀", "日本語", "' \" ; --", "x" * 5_000_000])
def test_any_text_is_answered_or_has_a_problem(predictor, text):
    (answers,) = predictor.predict([{"text": text}])

    assert isinstance(answers["topic"], Prediction | NoPrediction)


def test_text_beyond_the_reading_limit_changes_nothing(predictor):
    head = "moon " * (MAX_CHARACTERS // 5)

    one, two = predictor.predict([{"text": head}, {"text": head + "apple " * 10_000}])

    assert one == two


def test_todays_config_says_where_the_text_is(predictor):
    today = [target_spec(field="body", tag="HyperText")]

    (answers,) = predictor.predict([{"body": "<p>an apple, a pear</p>", "text": "moon"}], today)

    assert list(answers) == ["topic"]
    assert value_of(answers["topic"]) == "fruit"


def test_a_control_that_is_gone_or_asks_something_else_is_left_out(predictor):
    today = [target_spec(kind="choices"), target_spec("unheard of")]

    assert predictor.predict([{"text": "moon"}], today) == [{}]


def test_many_threads_get_the_same_answers(predictor):
    texts, _ = some_texts(40)
    rows = [{"text": text} for text in texts]
    alone = [predictor.predict([row])[0] for row in rows]
    wrong, barrier = [], threading.Barrier(8)

    def ask(offset: int) -> None:
        barrier.wait()
        for i in range(40):
            k = (i + offset * 5) % 40
            found = predictor.predict([rows[k]])[0]
            if value_of(found["topic"]) != value_of(alone[k]["topic"]):
                wrong.append(k)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_batch_gets_the_answers_that_each_task_gets_alone(predictor):
    texts, _ = some_texts(1500)
    rows = [{"text": text} for text in texts]

    together = predictor.predict(rows)

    assert len(together) == 1500
    for k in (0, 700, 1499):
        alone = predictor.predict([rows[k]])[0]["topic"]
        assert value_of(together[k]["topic"]) == value_of(alone)
        assert together[k]["topic"].score == pytest.approx(alone.score)
