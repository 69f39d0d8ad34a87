"""The table of error codes, which every error goes by."""

import pkgutil
import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import mlapi
import registry
from registry.error_codes import CODES
from registry.errors import EvalsError

ROOT = Path(__file__).parents[2]
OPTIONAL = (  # they need torch, ultralytics and onnxruntime
    "mlapi.images.extractors.huggingface",
    "mlapi.pipelines.object_detection.engines.huggingface.detector",
    "mlapi.pipelines.object_detection.engines.lite.",
    "mlapi.pipelines.object_detection.engines.yolo.",
    "mlapi.texts.encoders.huggingface",
    "mlapi.texts.encoders.sentence_encoder",
)


def classes() -> list[type[EvalsError]]:
    """Every error of ours."""
    for package in (registry, mlapi):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(OPTIONAL):
                import_module(module.name)
    found, waiting = [], [EvalsError]
    while waiting:
        found.append(waiting.pop())
        waiting += found[-1].__subclasses__()
    once = dict.fromkeys(found)  # a class with two bases is found by both
    return [c for c in once if c.__module__.split(".")[0] in ("registry", "mlapi")]


def test_each_code_has_one_class_and_its_row_in_the_table():
    codes = Counter(c.__dict__["code"] for c in classes() if "code" in c.__dict__)
    assert [code for code, n in codes.items() if n > 1] == []
    assert set(codes) <= set(CODES)


def test_status_and_hint_are_those_of_the_table():
    for error in classes():
        if "code" in error.__dict__:
            assert (error.status, error.hint) == CODES[error.code], error


def test_no_two_error_classes_have_the_same_name():
    names = Counter(c.__name__ for c in classes())
    assert [name for name, n in names.items() if n > 1] == []


def test_every_code_that_a_training_fails_with_is_in_the_table():
    sources = [path.read_text() for path in (ROOT / "mlapi").rglob("*.py")]
    literal = r'TrainingFailed\(\s*"([a-z_]+)"'
    failed = {code for text in sources for code in re.findall(literal, text)}
    assert "no_references" in failed
    assert failed <= set(CODES)
