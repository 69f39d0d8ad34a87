"""Evaluates a function instance through EvaDB's function expression, without any directory."""

import threading
from typing import Any

import pandas as pd
from evadb.expression.function_expression import FunctionExpression
from evadb.expression.tuple_value_expression import TupleValueExpression
from evadb.models.storage.batch import Batch
from evadb.parser.alias import Alias

from mlapi.eva.names import identifier


class OnlineFunction:
    """A function that is evaluated on DataFrames in this process, by any number of threads.

    `instance` is shared, so its class must be thread-safe; EvaDB's expression is not
    re-entrant, so each thread has one of its own.
    """

    def __init__(self, instance: Any, name: str, columns: list[str], outputs: list[str]) -> None:
        self.instance = instance
        self.name = identifier(name)
        self.columns = [identifier(column) for column in columns]
        self.outputs = [identifier(output) for output in outputs]
        self._threads = threading.local()

    def evaluate(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The function's outputs for each row, in order, under `self.outputs`.

        The frame has `self.columns` and pandas' default index.
        """
        if frame.empty:
            return pd.DataFrame(columns=self.outputs)
        outcome = self._expression().evaluate(Batch(frame))
        outcome.drop_column_alias()
        return outcome.frames

    def _expression(self) -> FunctionExpression:
        expression = getattr(self._threads, "expression", None)
        if expression is None:
            expression = FunctionExpression(
                lambda: self.instance,
                name=self.name,
                alias=Alias(self.name, self.outputs),
                children=[TupleValueExpression(name=c, col_alias=c) for c in self.columns],
            )
            expression.projection_columns = self.outputs
            self._threads.expression = expression
        return expression
