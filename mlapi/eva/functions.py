"""Base classes of the functions that EvaDB loads by file: `CREATE FUNCTION ... IMPL`.

EvaDB executes such a file at every bind and takes the only class that is defined in it, so a
file holds one function and nothing is cached in it. EvaDB makes an instance without arguments
when the function is created, so `setup` has defaults.
"""

import inspect
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from evadb.catalog.catalog_type import NdArrayType
from evadb.functions.abstract.abstract_function import AbstractFunction
from evadb.functions.decorators import decorators
from evadb.functions.decorators.io_descriptors.data_types import PandasDataframe

_TYPES = {
    "any": NdArrayType.ANYTYPE,
    "str": NdArrayType.STR,
    "uint8": NdArrayType.UINT8,
    "int64": NdArrayType.INT64,
    "float32": NdArrayType.FLOAT32,
    "float64": NdArrayType.FLOAT64,
}


@dataclass(frozen=True)
class Column:
    """An input or output of a function; in the shape of one value None is any length."""

    name: str
    type: Literal["any", "str", "uint8", "int64", "float32", "float64"]
    shape: tuple[int | None, ...] = (1,)


class Function(AbstractFunction):
    """A function from rows to rows. A subclass that EvaDB loads says its kind and its columns:

    `class Lengths(Function, kind="Text", inputs=[...], outputs=[...])`. One without a kind is a
    base class.
    """

    def __init_subclass__(
        cls, kind: str = "", inputs: Sequence[Column] = (), outputs: Sequence[Column] = ()
    ) -> None:
        super().__init_subclass__()
        if not kind:
            return
        # EvaDB reads the signatures from what its decorators leave on the two methods.
        setup = decorators.setup(cacheable=False, function_type=kind, batchable=True)
        forward = decorators.forward([_signature(inputs)], [_signature(outputs)])
        cls.setup = setup(cls.setup)  # type: ignore[method-assign]
        cls.forward = forward(cls.forward)  # type: ignore[method-assign]

    @property
    def name(self) -> str:
        return type(self).__name__

    def setup(self) -> None:
        """Takes what CREATE FUNCTION has after IMPL, as keyword arguments with defaults."""

    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        found = self.evaluate(frame)
        return found if isinstance(found, pd.DataFrame) else pd.DataFrame(found)

    @abstractmethod
    def evaluate(self, frame: pd.DataFrame) -> Mapping[str, Any] | pd.DataFrame:
        """The outputs of the frame's rows, in order, by column."""


class ModelFunction(Function):
    """A function that evaluates a fitted model, which it reads from MODEL_PATH.

    SHA256 is the file's hash: nothing is read that has another one.
    """

    model: Any

    def setup(self, model_path: str = "", sha256: str = "") -> None:
        self.model = self.load(str(model_path), str(sha256)) if model_path else None

    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self.model is None:
            raise ValueError("This function was made without MODEL_PATH.")
        return super().forward(frame)

    @staticmethod
    @abstractmethod
    def load(path: str, sha256: str) -> Any:
        """The model in a file of this hash; called at every bind, so it caches."""


def object_frame(names: pd.Index, columns: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """The columns as they are: to infer their types takes pandas longer than a short prediction."""
    values = np.empty((len(columns), len(columns[0])), object)
    for row, column in zip(values, columns, strict=True):
        row[:] = np.fromiter(column, object, len(row))  # so that arrays stay whole
    return pd.DataFrame(values.T, columns=names, dtype=values.dtype, copy=False)


def columns_of(frame: pd.DataFrame) -> list[list[Any]]:
    """The values of each column, in order."""
    return [column.tolist() for column in frame.to_numpy(object).T]


def path(function: type[Function]) -> str:
    """The file that defines the function, for IMPL."""
    return inspect.getfile(function)


def _signature(columns: Sequence[Column]) -> PandasDataframe:
    return PandasDataframe(
        columns=[c.name for c in columns],
        column_types=[_TYPES[c.type] for c in columns],
        column_shapes=[c.shape for c in columns],
    )
