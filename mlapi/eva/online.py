"""Evaluates a function instance through EvaDB's function expression, without any directory."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from evadb.expression.function_expression import FunctionExpression
from evadb.expression.tuple_value_expression import TupleValueExpression
from evadb.models.storage.batch import Batch
from evadb.parser.alias import Alias

from mlapi.eva.functions import columns_of, object_frame
from mlapi.eva.names import identifier


class OnlineFunction:
    """A function that is evaluated on columns in this process, by any number of threads.

    `instance` is shared, so its class must be thread-safe; EvaDB's expression is not
    re-entrant, so each thread has one of its own.
    """

    def __init__(self, instance: Any, name: str, columns: list[str], outputs: list[str]) -> None:
        self.instance = instance
        self.name = identifier(name)
        self.columns = [identifier(column) for column in columns]
        self.outputs = [identifier(output) for output in outputs]
        self._index = pd.Index(self.columns)
        self._threads = threading.local()

    def evaluate(self, *columns: Sequence[Any]) -> list[list[Any]]:
        """Each of `self.outputs` for the rows; a column for each of `self.columns`."""
        if not len(columns[0]):
            return [[] for _ in self.outputs]
        arguments = _Arguments(object_frame(self._index, columns))
        return columns_of(self._expression().evaluate(arguments).frames)

    def _expression(self) -> FunctionExpression:
        expression = getattr(self._threads, "expression", None)
        if expression is None:
            expression = _Expression(
                lambda: self.instance,
                name=self.name,
                alias=Alias(self.name, self.outputs),
                children=[TupleValueExpression(name=c, col_alias=c) for c in self.columns],
            )
            expression.projection_columns = self.outputs
            self._threads.expression = expression
        return expression


class _Expression(FunctionExpression):
    """EvaDB's expression for batches of its own arguments, in order.

    That EvaDB takes the columns out and joins them again costs pandas a millisecond, and gives the
    same columns.
    """

    def _apply_function_expression(self, func: Callable, batch: Batch, **kwargs: Any) -> Batch:
        return batch.apply_function_expression(func)


class _Arguments(Batch):
    """A function's arguments as a batch."""

    def apply_function_expression(self, expr: Callable) -> "_Outputs":
        return _Outputs(expr(self.frames))


class _Outputs(Batch):
    """A function's outputs as a batch: EvaDB's, without copies of what is as it should be."""

    def project(self, cols: list[str]) -> Batch:
        return self if cols == self.columns else _Outputs(super().project(cols).frames)

    def modify_column_alias(self, alias: Alias | str) -> None:
        """Names stay, as nothing joins these columns to those of other functions."""
