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
from mlapi.pipelines.classification.boosted import AutoMLEstimator, BoostedTrees, in_this_process
from mlapi.pipelines.classification.columns_function import NAMES, NumericColumnsFunction
from mlapi.pipelines.classification.dataset import Columns, Modality

AUTOML = "EvaDB AutoML, XGBoost"
_WITHIN = 0.8  # FLAML retrains its best once its limit is over
_LEAST_S = 1.0


class NoModelFound(ValueError):
    """AutoML's seconds ended before its first trial did, so there is no model."""


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
        """Fit on the table's rows that `where` selects, which are `inputs`, for about `seconds`.

        Bounded by time, so not the same twice. Raises StatementFailed and NoModelFound.
        """
        started = time.perf_counter()
        features = self.modality.fit_columns(inputs, self.seed)
        # As long again, because EvaDB computes them once more, row by row.
        left = seconds - 2 * (time.perf_counter() - started)
        function, columns = identifier(f"{self.prefix}_{name}"), f"{self.prefix}_{name}_columns"
        in_this_process[columns] = features
        execute(
            self.eva,
            f"CREATE FUNCTION {identifier(columns)} IMPL ':impl' COLUMNS ':columns'",
            {"impl": functions.path(NumericColumnsFunction), "columns": columns},
        )
        c = self.columns
        limit = max(_LEAST_S, _WITHIN * left)
        rows = f"SELECT {columns}({c.input}), {c.label} FROM {self.table} WHERE {where}"  # noqa: S608
        execute(
            self.eva,
            f"CREATE FUNCTION {function} FROM ({rows}) "
            f"TYPE XGBoost PREDICT '{identifier(c.label)}' TIME_LIMIT {limit:.1f} "
            "TASK 'classification' METRIC 'log_loss'",
        )
        with open(self.eva.models / function, "rb") as f:
            model = pickle.load(f)  # noqa: S301 - EvaDB has just written it
        if model.model is None:
            raise NoModelFound(f"It found no model in {limit:.1f} s. Raise the time budget.")
        number = {label: i for i, label in enumerate(self.labels)}
        classes = np.array([number[label] for label in model.classes_], dtype=int)
        return AutoMLEstimator(features, BoostedTrees.of(model, NAMES), classes, len(self.labels))

    def predict(self, name: str, where: str) -> pd.DataFrame:
        """`id` and the predicted label of the rows that `where` selects, in the order of ids."""
        function, columns = f"{self.prefix}_{name}", f"{self.prefix}_{name}_columns"
        c = self.columns
        label = f"{function}({columns}({c.input}), {c.label})"
        found = execute(self.eva, f"SELECT id, {label} FROM {self.table} WHERE {where}")  # noqa: S608
        return found.set_axis(["id", "label"], axis=1).sort_values("id")
