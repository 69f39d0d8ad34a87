"""What a child process leaves for its parent: a result, a learning curve or an error."""

import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mlapi.run_folder import json_file
from registry.training_result import LearningCurve, TrainingResult

_PACKAGES = (
    *("evadb", "scikit-learn", "numpy", "scipy", "pandas", "xgboost", "FLAML"),
    *("opencv-python-headless", "pillow", "faiss-cpu", "torch", "transformers"),
)
_RESULT, _CURVE, _ERROR = "result.json", "curve.json", "error.json"


@dataclass(frozen=True)
class RunError:
    """Why a child process failed, as `EvalsError` has it."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class ConversionResult:
    """The hash of the converted artifact, which the parent checks."""

    sha256: str


def write_result(folder: Path, result: TrainingResult | ConversionResult) -> None:
    json_file.write(folder / _RESULT, result)


def read_result(folder: Path) -> TrainingResult:
    """Raises RunFileInvalid."""
    return json_file.read(folder / _RESULT, TrainingResult)


def read_conversion(folder: Path) -> ConversionResult:
    """Raises RunFileInvalid."""
    return json_file.read(folder / _RESULT, ConversionResult)


def write_curve(folder: Path, curve: LearningCurve) -> None:
    json_file.write(folder / _CURVE, curve)


def read_curve(folder: Path) -> LearningCurve:
    """Raises RunFileInvalid."""
    return json_file.read(folder / _CURVE, LearningCurve)


def write_error(folder: Path, error: RunError) -> None:
    json_file.write(folder / _ERROR, error)


def read_error(folder: Path) -> RunError:
    """Raises RunFileInvalid."""
    return json_file.read(folder / _ERROR, RunError)


@cache
def environment() -> dict[str, str]:
    """The versions of Python and of the packages that a training used, by name."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
