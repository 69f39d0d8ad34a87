"""What MLflow reads of an export: MLmodel, environments, signature and input example.

They are written as JSON, which is YAML.
"""

import base64
import json
import platform
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlapi import label_types
from mlapi.domain import InputSpec, TargetSpec
from mlapi.exports.sources import ENTRY
from mlapi.labelstudio.references import is_one_reference, keys, referred
from mlapi.standalone.mlflow_model import SCORE

MLFLOW = "mlflow>=3,<4"
TESTED_WITH = "3.17.2"
_EXAMPLE_TEXT = "An example."
# A grey PNG of 8 x 8 pixels.
_EXAMPLE_IMAGE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAADklEQVR42mNogAIGyhgAgIQgARDoahcAAAAASUVO"
    "RK5CYII="
)
_BOX: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "required": True},
        **{
            name: {"type": "double", "required": True}
            for name in ("x", "y", "width", "height", "score")
        },
    },
}
_EXAMPLES: Mapping[str, Any] = {
    "List": [_EXAMPLE_TEXT],
    "Table": {"example": _EXAMPLE_TEXT},
    "Chat": [{"role": "user", "content": _EXAMPLE_TEXT}],
}


@dataclass(frozen=True)
class Described:
    """A version: `package` has its code and `needs` are the packages that this needs."""

    sha256: str
    created_at: str
    targets: tuple[TargetSpec, ...]
    package: str
    needs: Mapping[str, str]


def files(version: Described) -> dict[str, bytes]:
    """The files by their names."""
    targets = version.targets
    pins = [MLFLOW, *(f"{name}=={number}" for name, number in version.needs.items())]
    python = platform.python_version()
    columns = dict(_columns(targets))
    example = {name: _example(source) for name, source in _named(targets)}
    names = [name for name in columns if name in example]
    table = {"columns": names, "data": [[_json(example[name]) for name in names]]}
    return {
        "MLmodel": _written(_model(version, python, columns)),
        "requirements.txt": "".join(f"{pin}\n" for pin in pins).encode(),
        "python_env.yaml": _written(
            {"python": python, "build_dependencies": [], "dependencies": ["-r requirements.txt"]}
        ),
        "conda.yaml": _written(
            {
                "name": "mlflow-env",
                "channels": ["conda-forge"],
                "dependencies": [f"python={python}", "pip", {"pip": pins}],
            }
        ),
        "input_example.json": _written(table),
        "serving_input_example.json": _written({"dataframe_split": table}),
    }


def _model(version: Described, python: str, columns: Mapping[str, str]) -> dict[str, Any]:
    inputs = [{"type": kind, "name": name, "required": False} for name, kind in columns.items()]
    outputs = [column for target in version.targets for column in _outputs(target)]
    return {
        "flavors": {
            "python_function": {
                "loader_module": f"{version.package}.{ENTRY}",
                "code": "code",
                "data": "data",
                "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                "python_version": python,
            }
        },
        "signature": {
            "inputs": json.dumps(inputs),
            "outputs": json.dumps(outputs),
            "params": None,
        },
        "saved_input_example_info": {
            "artifact_path": "input_example.json",
            "serving_input_path": "serving_input_example.json",
            "type": "dataframe",
            "pandas_orient": "split",
        },
        "model_uuid": uuid.UUID(version.sha256[:32]).hex,
        "mlflow_version": TESTED_WITH,
        "utc_time_created": version.created_at,
    }


def _columns(targets: Sequence[TargetSpec]) -> Iterator[tuple[str, str]]:
    """Name and MLflow's type of each field of a task's data that is read."""
    for target in targets:
        for source in target.sources:
            for name in sorted(keys(source.value)):
                yield name, _type(source)


def _type(source: InputSpec) -> str:
    if source.tag == "Image":
        # Else the address is put together, of fields that are texts.
        return "binary" if is_one_reference(source.value) else "string"
    plain = source.tag in ("Text", "HyperText") and set(referred(source.value)) == keys(
        source.value
    )
    return "string" if plain else "any"


def _outputs(target: TargetSpec) -> list[dict[str, Any]]:
    label_type = label_types.of(target)
    items = _BOX if label_type.localized else {"type": "string"}
    kind = {"type": "array", "items": items} if label_type.several else {"type": "string"}
    return [
        {**kind, "name": target.name, "required": False},
        {"type": "double", "name": target.name + SCORE, "required": False},
    ]


def _named(targets: Sequence[TargetSpec]) -> Iterator[tuple[str, InputSpec]]:
    for target in targets:
        for source in target.sources:
            for name in referred(source.value):
                yield name, source


def _example(source: InputSpec) -> Any:
    if source.tag == "Image":
        return _EXAMPLE_IMAGE
    if source.encoding:
        return base64.b64encode(_EXAMPLE_TEXT.encode()).decode()
    if source.tag == "Paragraphs":
        return [{source.author_key: "A", source.text_key: _EXAMPLE_TEXT}]
    return _EXAMPLES.get(source.tag, _EXAMPLE_TEXT)


def _json(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _written(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=True) + "\n").encode()
