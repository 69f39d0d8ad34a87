"""The candidate that EvaDB's AutoML trains: `CREATE FUNCTION ... TYPE XGBoost`."""

import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlapi.eva import functions
from mlapi.eva.execute import execute
from mlapi.eva.names import identifier
from mlapi.eva.open import Eva
from mlapi.pipelines.classification.columns_function import NAMES, NumericColumnsFunction
from mlapi.pipelines.classification.dataset import Columns
from mlapi.pipelines.classification.modality import Modality
from mlapi.pipelines.classification.numeric_columns import NumericColumns
from mlapi.pipelines.classification.recipes import UNSEEN

AUTOML = "EvaDB AutoML, XGBoost"
_WITHIN = 0.8  # FLAML retrains its best once its limit is over


@dataclass
class AutoMLEstimator:
    """The features and FLAML's model; `classes` are the target's label numbers of its columns."""

    features: NumericColumns
    model: Any
    classes: np.ndarray
    n_labels: int

    def scores(self, inputs: Sequence[Any]) -> np.ndarray:
        """(n, n_labels): log probabilities; UNSEEN for labels that it has not learned."""
        frame = pd.DataFrame(self.features.columns(inputs), columns=NAMES)
        found = np.full((len(inputs), self.n_labels), UNSEEN)
        log = np.log(np.clip(self.model.predict_proba(frame), 1e-4, 1))
        found[:, self.classes] = log
        return found

    @property
    def nbytes(self) -> int:
        return self.features.nbytes + len(pickle.dumps(self.model))


@dataclass
class AutoML:
    """Trains in one EvaDB directory, on one target of one table."""

    eva: Eva
    modality: Modality
    table: str
    columns: Columns
    prefix: str
    labels: tuple[str, ...]
    seed: int

    def fit(self, name: str, inputs: Sequence[Any], where: str, seconds: float) -> AutoMLEstimator:
        """Fit on the table's rows that `where` picks, which are `inputs`, for about `seconds`.

        Bounded by time, so not the same twice. Raises StatementFailed.
        """
        started = time.perf_counter()
        features = self.modality.fit_columns(inputs, self.seed)
        # As long again, because EvaDB computes them once more, row by row.
        left = seconds - 2 * (time.perf_counter() - started)
        function, columns = identifier(f"{self.prefix}_{name}"), f"{self.prefix}_{name}_columns"
        path = self.eva.directory / f"{columns}.bin"
        features.save(path)
        execute(
            self.eva,
            f"CREATE FUNCTION {identifier(columns)} IMPL ':impl' MODEL_PATH ':features'",
            {"impl": functions.path(NumericColumnsFunction), "features": str(path)},
        )
        c = self.columns
        limit = max(1.0, _WITHIN * left)
        rows = f"SELECT {columns}({c.input}), {c.label} FROM {self.table} WHERE {where}"  # noqa: S608
        execute(
            self.eva,
            f"CREATE FUNCTION {function} FROM ({rows}) "
            f"TYPE XGBoost PREDICT '{identifier(c.label)}' TIME_LIMIT {limit:.1f} "
            "TASK 'classification' METRIC 'log_loss'",
        )
        with open(self.eva.models / function, "rb") as f:
            model = pickle.load(f)  # noqa: S301 - EvaDB has just written it
        model.model.estimator.set_params(n_jobs=1)  # it predicts in threads of the web server
        number = {label: i for i, label in enumerate(self.labels)}
        classes = np.array([number[label] for label in model.classes_], dtype=int)
        return AutoMLEstimator(features, model, classes, len(self.labels))

    def predict(self, name: str, where: str) -> pd.DataFrame:
        """`id` and the label that it says, for the rows that `where` picks, in the order of ids."""
        function, columns = f"{self.prefix}_{name}", f"{self.prefix}_{name}_columns"
        c = self.columns
        say = f"{function}({columns}({c.input}), {c.label})"
        found = execute(self.eva, f"SELECT id, {say} FROM {self.table} WHERE {where}")  # noqa: S608
        return found.set_axis(["id", "label"], axis=1).sort_values("id")
