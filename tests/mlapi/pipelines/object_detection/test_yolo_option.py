"""The engine `yolo` where its licence was not accepted, or its package is not installed."""

import subprocess
import sys

import pytest

from mlapi.child_process.supervise import child_environment
from mlapi.domain import InvalidOption
from mlapi.pipelines import get
from mlapi.pipelines.object_detection.engines import ENGINES

OPTIONS = {"engine": "yolo"}


def test_it_is_refused_until_its_licence_was_accepted(settings, monkeypatch):
    settings.ACCEPT_AGPL = False
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())

    with pytest.raises(InvalidOption, match=r"complete source .* ACCEPT_AGPL=true"):
        get("object_detection").validate_options(OPTIONS)

    settings.ACCEPT_AGPL = True
    assert get("object_detection").validate_options(OPTIONS)["engine"] == "yolo"


def test_it_says_which_package_is_not_installed(settings, monkeypatch):
    settings.ACCEPT_AGPL = True
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert ENGINES["yolo"].missing() == (
        "The package torch is not installed. Install requirements-yolo.txt."
    )


def test_a_child_process_knows_that_the_licence_was_accepted(settings):
    settings.ACCEPT_AGPL = True
    script = (
        "import sys\n"
        "from mlapi.pipelines.object_detection.engines.yolo.engine import is_licence_accepted\n"
        "assert 'torch' not in sys.modules and 'ultralytics' not in sys.modules\n"
        "print(is_licence_accepted())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True"


def test_no_export_has_its_code():
    assert ENGINES["yolo"].module is None


def test_no_file_of_requirements_but_its_own_has_its_package():
    from tests.evals_backend.running import ROOT

    naming = [path.name for path in ROOT.glob("requirements*") if "ultralytics" in path.read_text()]
    image = (ROOT / "Dockerfile").read_text()

    assert naming == ["requirements-yolo.txt"]
    assert "yolo" not in image
