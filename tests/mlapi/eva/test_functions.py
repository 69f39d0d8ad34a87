"""Functions through EvaDB: from a statement, and online without any directory."""

import threading

import numpy as np
import pandas as pd
import pytest
from evadb.expression.function_expression import FunctionExpression
from evadb.expression.tuple_value_expression import TupleValueExpression
from evadb.functions.abstract.abstract_function import AbstractFunction
from evadb.models.storage.batch import Batch
from evadb.parser.alias import Alias
from evadb.utils.generic_utils import load_function_class_from_file

from mlapi.eva import functions
from mlapi.eva.execute import execute, write_table
from mlapi.eva.online import OnlineFunction
from mlapi.images.function import ImageFeaturesFunction
from mlapi.pipelines.artifact import write
from mlapi.pipelines.classification.boosted import SIZE, in_this_process
from mlapi.pipelines.classification.columns_function import NumericColumnsFunction
from mlapi.pipelines.classification.function import ClassifierFunction
from mlapi.pipelines.image_clusters.function import NearestCluster
from mlapi.pipelines.image_similarity.function import NearestReferences
from mlapi.pipelines.text_classification.features import fit_columns
from tests.mlapi.pipelines.texts import text_classifier

FUNCTIONS = [
    ClassifierFunction,
    NearestCluster,
    NearestReferences,
    NumericColumnsFunction,
    ImageFeaturesFunction,
]
TEXTS = ["a red apple", "blue sky and sea", None, "quotes ' and \""]


class Lengths(AbstractFunction):
    """Takes its time, so that threads that shared one expression would meet in it."""

    def setup(self) -> None:
        pass

    @property
    def name(self) -> str:
        return "Lengths"

    def forward(self, frame):
        return pd.DataFrame({"length": [len(text) for text in frame["text"]]})


class Pairs(AbstractFunction):
    """A function with more outputs than the expression, in another order."""

    def setup(self) -> None:
        pass

    @property
    def name(self) -> str:
        return "Pairs"

    def forward(self, frame):
        pairs = [
            f"{left} {right}" for left, right in zip(frame["left"], frame["right"], strict=True)
        ]
        return pd.DataFrame({"number": range(len(frame)), "pair": pairs, "more": 1})


@pytest.mark.parametrize("function", FUNCTIONS)
def test_evadb_can_make_each_function_from_its_file(function):
    """Under the version's name, so that the only class of the file is the function; twice."""
    for _ in range(2):
        found = load_function_class_from_file(functions.path(function), "p1_v1")

        assert issubclass(found, AbstractFunction)
        assert found().name == function.__name__


def test_a_version_answers_by_its_own_name(eva, prefix, tmp_path):
    model = text_classifier()
    sha256 = write(tmp_path / "it's.bin", model.pipeline, model.to_parts())
    frame = pd.DataFrame({"id": range(4), "text": TEXTS})
    write_table(eva, f"{prefix}_texts", frame, {"id": "integer", "text": "text"})

    execute(
        eva,
        f"CREATE FUNCTION {prefix}_v1 IMPL ':impl' MODEL_PATH ':artifact' SHA256 ':sha256'",
        {
            "impl": functions.path(ClassifierFunction),
            "artifact": str(tmp_path / "it's.bin"),
            "sha256": sha256,
        },
    )
    found = execute(eva, f"SELECT id, {prefix}_v1(text) FROM {prefix}_texts")

    rows = np.stack(found["probabilities"].tolist())
    np.testing.assert_allclose(rows, model.probabilities([TEXTS], 4))
    assert np.isnan(rows[2]).all()


def test_one_argument_may_feed_several_targets_and_some_be_left_out(eva, prefix, tmp_path):
    model = text_classifier(targets=3)
    sha256 = write(tmp_path / "artifact.bin", model.pipeline, model.to_parts())
    frame = pd.DataFrame({"id": range(4), "text": TEXTS, "text_2": TEXTS[::-1]})
    types = {"id": "integer", "text": "text", "text_2": "text"}
    write_table(eva, f"{prefix}_inputs", frame, types)

    execute(
        eva,
        f"CREATE FUNCTION {prefix}_v2 "
        "IMPL ':impl' MODEL_PATH ':artifact' SHA256 ':sha256' INPUTS ':inputs'",
        {
            "impl": functions.path(ClassifierFunction),
            "artifact": str(tmp_path / "artifact.bin"),
            "sha256": sha256,
            "inputs": "1,-1,0",
        },
    )
    found = execute(eva, f"SELECT id, {prefix}_v2(text, text_2) FROM {prefix}_inputs")

    rows = np.stack(found["probabilities"].tolist())
    np.testing.assert_allclose(rows, model.probabilities([TEXTS[::-1], None, TEXTS], 4))


def test_text_becomes_as_many_columns_as_the_function_declares(eva, prefix):
    features = fit_columns([t or "nothing" for t in TEXTS] * 3, seed=0)
    in_this_process[f"{prefix}_cols"] = features
    write_table(
        eva,
        f"{prefix}_columns",
        pd.DataFrame({"id": [1, 2], "text": ["a red sea", "sky"]}),
        {"id": "integer", "text": "text"},
    )

    execute(
        eva,
        f"CREATE FUNCTION {prefix}_cols IMPL ':impl' COLUMNS ':columns'",
        {"impl": functions.path(NumericColumnsFunction), "columns": f"{prefix}_cols"},
    )
    found = execute(eva, f"SELECT {prefix}_cols(text) FROM {prefix}_columns")

    assert found.shape == (2, SIZE)
    np.testing.assert_allclose(found.to_numpy(), features.columns(["a red sea", "sky"]))


def test_an_online_function_serves_many_threads():
    function = OnlineFunction(Lengths(), "lengths", ["text"], ["length"])
    wrong, barrier = [], threading.Barrier(8)

    def ask(seed: int) -> None:
        rng = np.random.default_rng(seed)
        barrier.wait()
        for _ in range(60):
            sizes = rng.integers(1, 50, size=5).tolist()
            try:
                (found,) = function.evaluate(["x" * size for size in sizes])
            except AssertionError as e:  # what EvaDB raises when an expression is re-entered
                found = e
            if found != sizes:
                wrong.append(found)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_an_online_function_takes_no_rows_too():
    function = OnlineFunction(Lengths(), "lengths", ["text"], ["length"])

    assert function.evaluate([]) == [[]]


def test_an_online_function_gives_what_evadbs_own_expression_gives():
    """Only EvaDB's way of handing on the arguments is another, which costs more than a text."""
    rows = {"right": ["a", "", None, "\x00"], "left": ["b c", "d", "e", None]}
    function = OnlineFunction(Pairs(), "pairs", list(rows), ["pair", "number"])
    by_evadb = FunctionExpression(
        Pairs,
        name="pairs",
        alias=Alias("pairs", ["pair", "number"]),
        children=[TupleValueExpression(name=c, col_alias=c) for c in rows],
    )
    by_evadb.projection_columns = ["pair", "number"]

    expected = by_evadb.evaluate(Batch(pd.DataFrame(rows, dtype=object))).frames

    assert expected.columns.tolist() == ["pairs.pair", "pairs.number"]
    found = function.evaluate(*rows.values())
    assert found == [expected[column].tolist() for column in expected]
    assert found[1] == [0, 1, 2, 3]
    assert function._expression()._stats.num_calls == 4
