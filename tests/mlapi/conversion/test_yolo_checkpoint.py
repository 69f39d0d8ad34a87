"""A checkpoint of YOLO, which is a pickle, is converted by an operator's command only."""

import os
import pickle
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from mlapi.pipelines.object_detection.engines import YOLO
from tests.mlapi.pipelines.object_detection import yolo_files


@pytest.fixture
def models(settings, tmp_path) -> Path:
    settings.ACCEPT_AGPL = True
    settings.MODELS_DIR = str(tmp_path / "models")
    settings.DATA_DIR = tmp_path / "data"
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def convert(path: Path, *arguments: str) -> str:
    out = StringIO()
    call_command("convert_yolo", str(path), *arguments, stdout=out)
    return out.getvalue()


def refusal(path: Path, *arguments: str) -> str:
    with pytest.raises(CommandError) as refused:
        convert(path, *arguments)
    return str(refused.value)


class MaliciousCode:
    """Writes its environment where it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        script = f"open({str(self.target)!r}, 'w').write(repr(dict(__import__('os').environ)))"
        return exec, (script,)


@pytest.fixture
def harmful(tmp_path) -> Path:
    (tmp_path / "harmful.pt").write_bytes(pickle.dumps(MaliciousCode(tmp_path / "environment.txt")))
    return tmp_path / "harmful.pt"


def test_its_code_is_run_by_nobody_who_has_not_agreed(models, harmful, monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda prompt: "")

    out = StringIO()
    with pytest.raises(CommandError, match="Nothing was run"):
        call_command("convert_yolo", str(harmful), stdout=out)

    assert "runs the code in it" in out.getvalue()
    assert not (harmful.parent / "environment.txt").exists()


def test_it_is_refused_until_the_licence_was_accepted(models, harmful, settings):
    settings.ACCEPT_AGPL = False

    assert "AGPL-3.0" in refusal(harmful, "--yes")
    assert not (harmful.parent / "environment.txt").exists()


def test_a_folder_for_the_files_is_needed(models, harmful, settings):
    settings.MODELS_DIR = ""

    assert "MODELS_DIR" in refusal(harmful, "--yes")
    assert "MODELS_DIR" in refusal(harmful, "--yes", "--to", "/no/such/folder")


@pytest.mark.yolo
class TestWithThePackage:
    @pytest.fixture
    def checkpoint(self, tmp_path) -> Path:
        """A checkpoint as ultralytics writes it, of a network with random weights."""
        import torch

        from mlapi.pipelines.object_detection.engines.yolo import definition, network

        model = network.build(definition.checked(yolo_files.definition(), 2))
        model.names = {0: "red", 1: "blue"}
        path = tmp_path / "inks.pt"
        del model.args  # of a class of ours
        found = {"epoch": -1, "model": model.half(), "ema": None, "train_args": {"imgsz": 320}}
        torch.save(found, path)
        return path

    def test_it_becomes_weights_and_a_definition(self, models, checkpoint):
        assert 'model_path="inks.safetensors"' in convert(checkpoint, "--yes")

        assert sorted(path.name for path in models.iterdir()) == ["inks.safetensors", "inks.yaml"]
        found = YOLO.read(models / "inks.safetensors")
        assert found.labels == ("red", "blue")
        assert found.header()["side"] == 320

    def test_an_existing_file_is_not_overwritten(self, models, checkpoint):
        (models / "inks.yaml").write_text("mine")

        assert "is there already" in refusal(checkpoint, "--yes")
        assert (models / "inks.yaml").read_text() == "mine"

    def test_its_code_has_no_secrets_and_what_is_no_network_is_refused(
        self, models, harmful, monkeypatch
    ):
        monkeypatch.setenv("SECRET_KEY", "a secret of the server")

        assert "harmful.pt was not converted" in refusal(harmful, "--yes")

        environment = (harmful.parent / "environment.txt").read_text()
        assert "PATH" in environment
        assert os.environ["SECRET_KEY"] not in environment
        assert "SECRET" not in environment and "DATABASE_URL" not in environment
        assert list(models.iterdir()) == []

    def test_a_file_that_is_no_checkpoint_is_refused(self, models, tmp_path):
        import torch

        torch.save({"model": {"weight": torch.zeros(1)}}, tmp_path / "other.pt")

        assert "no checkpoint of a network" in refusal(tmp_path / "other.pt", "--yes")
        assert "There is no file" in refusal(tmp_path / "missing.pt", "--yes")
        assert list(models.iterdir()) == []
