"""MLflow's entry to an export: `python_function` loads the version by `_load_pyfunc`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mlapi.standalone.model import StandaloneModel

SCORE = ".score"  # after the control's name, of the column that has its score


class PythonFunction:
    """A data frame of tasks in, one of labels and scores out, with a row for each task."""

    def __init__(self, model: StandaloneModel) -> None:
        self.model = model
        self._controls = [target.name for target in model.targets]

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Columns are named by the fields of tasks' data, and by controls."""
        frame = pd.DataFrame(model_input)
        rows = [
            {str(name): _value(value) for name, value in row.items()}
            for row in frame.to_dict("records")
        ]
        answers = self.model.predict(rows)
        columns: dict[str, Any] = {}
        for name in self._controls:
            found = [answer.get(name) for answer in answers]
            values = [one.value if one else None for one in found]
            scores = [one.score if one else None for one in found]
            columns[name] = pd.Series(values, index=frame.index, dtype=object)
            columns[name + SCORE] = pd.Series(scores, index=frame.index, dtype="float64")
        return pd.DataFrame(columns, index=frame.index)


def _value(value: Any) -> Any:
    """A cell as JSON has it: MLflow makes arrays of lists, and a missing cell is a NaN."""
    if isinstance(value, float) and value != value:
        return None
    return value.tolist() if hasattr(value, "tolist") else value


def _load_pyfunc(path: str) -> PythonFunction:
    return PythonFunction(StandaloneModel.load(path))
