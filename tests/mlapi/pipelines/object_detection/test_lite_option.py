"""The engine `lite` without the vision extra, as the base install is."""

import subprocess
import sys

import pytest

from mlapi.pipelines.object_detection.engines import ENGINES
from mlapi.pipelines.object_detection.engines.lite import weights


def test_it_says_which_package_is_not_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert ENGINES["lite"].missing() == (
        "The package torch is not installed. Install requirements-vision.txt."
    )


def test_it_says_so_too_of_the_package_of_the_weights(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr(weights, "PACKAGE", "no-such-package")

    assert ENGINES["lite"].missing() is None  # what has been learned needs torch only
    assert ENGINES["lite"].untrainable() == (
        "The package no-such-package is not installed. Install requirements-vision.txt."
    )


def test_whether_it_can_be_used_is_known_without_importing_torch():
    script = (
        "import sys\n"
        "from mlapi.pipelines.object_detection.engines import ENGINES\n"
        "ENGINES['lite'].missing()\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_other_weights_than_those_of_the_known_release_are_not_read(monkeypatch, tmp_path):
    changed = tmp_path / "weights.pth"
    changed.write_bytes(b"something else")
    monkeypatch.setattr(weights, "find", lambda: changed)

    with pytest.raises(ValueError, match="not those of the release"):
        weights.read()
