"""Conversion of artifacts of format 1: the same predictions, and no code of a pickle runs."""

import hashlib
import json
import pickle
import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest

from mlapi.conversion import child, format_1
from mlapi.conversion.format_1 import NotConvertible
from mlapi.domain import Stored
from mlapi.pipelines import PIPELINES, artifact
from mlapi.run_folder.job import ConversionJob
from tests.mlapi.conversion.old_artifacts import NAMES, OldArtifact, Store, as_recorded


def converted(old: OldArtifact) -> bytes:
    return artifact.pack(old.pipeline, format_1.parts_of(old.content, old.pipeline))


# Two processors round a vector's float32 differently, and of the images' trees one has a threshold
# that is a value of a row: that row may fall on either side.
ROUNDED = 1e-5
ON_A_THRESHOLD = {"image_classification.automl": 1}


def is_same(row, other) -> bool:
    """Whether the answers are equal but for the last digits of scores."""
    return row.keys() == other.keys() and all(
        abs(prediction.get("score", 0) - other[target].get("score", 0)) <= ROUNDED
        and {**prediction, "score": 0} == {**other[target], "score": 0}
        for target, prediction in row.items()
    )


LATER = {"object_detection"}  # was never written in format 1


def test_each_pipeline_and_variant_has_an_old_artifact():
    assert {name.split(".")[0] for name in NAMES} == set(PIPELINES) - LATER
    assert len(NAMES) == 13
    for name in NAMES:
        assert (
            hashlib.sha256(OldArtifact(name).content).hexdigest()
            == OldArtifact(name).record["sha256"]
        )


@pytest.mark.parametrize("name", NAMES)
def test_a_converted_version_answers_as_it_did(name):
    old = OldArtifact(name)
    predictor = PIPELINES[old.pipeline].load(converted(old))

    answers = predictor.predict(old.record["rows"], None, Store())

    found = [{target: as_recorded(answer) for target, answer in row.items()} for row in answers]
    most = ON_A_THRESHOLD.get(name, 0)
    pairs = list(zip(found, old.record["answers"], strict=True))
    assert len([pair for pair in pairs if not is_same(*pair)]) <= most, pairs
    for target, rows in old.record.get("probabilities", {}).items():
        (trained,) = [t for t in predictor.model.targets if t.spec.name == target]
        differences = np.abs(trained.probabilities(old.inputs) - np.array(rows)).max(axis=1)
        assert (differences > ROUNDED).sum() <= most, differences


@pytest.mark.parametrize("name", NAMES)
def test_a_converted_version_is_written_again_as_the_same_bytes(name):
    old = OldArtifact(name)
    content = converted(old)
    assert converted(old) == content
    model = PIPELINES[old.pipeline].read_model(artifact.unpack(content))
    assert artifact.pack(old.pipeline, model.to_parts()) == content


def test_it_is_converted_without_importing_any_class_of_the_project(monkeypatch):
    """A class may have been renamed by then, and its module may be gone."""
    gone = "mlapi.pipelines.classification.ridge"
    renamed = OldArtifact("text_classification.words").content.replace(
        b"mlapi.pipelines.classification.ridge", b"mlapi.pipelines.classification.rodge"
    )
    assert len(gone) == len("mlapi.pipelines.classification.rodge")
    found = artifact.pack("text_classification", format_1.parts_of(renamed, "text_classification"))
    assert found == converted(OldArtifact("text_classification.words"))


class RunsOnUnpickling:
    """Creates a file when it is unpickled, by a function of the standard library."""

    def __init__(self, path, function=open):
        self.path, self.function = str(path), function

    def __reduce__(self):
        return self.function, (self.path, "w")


@pytest.mark.parametrize("where", ["alone", "as a target"])
def test_code_in_a_pickle_does_not_run(tmp_path, where):
    malicious = RunsOnUnpickling(tmp_path / "it ran")
    payload = {"format": 1, "pipeline": "text_classification", "extractor": None}
    content = pickle.dumps(malicious if where == "alone" else {**payload, "targets": [malicious]})
    with pytest.raises(NotConvertible, match="io.open"):
        format_1.parts_of(content, "text_classification")
    with pytest.raises(artifact.ArtifactFormatOld):
        PIPELINES["text_classification"].load(content)
    assert list(tmp_path.iterdir()) == []


def test_a_callable_of_an_allowed_library_is_not_called(tmp_path):
    """numpy's own functions can write files, too."""
    malicious = RunsOnUnpickling(tmp_path / "it ran", np.save)
    content = pickle.dumps({"format": 1, "pipeline": "image_clusters", "spec": malicious})
    with pytest.raises(NotConvertible):
        format_1.parts_of(content, "image_clusters")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"\x80",
        b"\x80\x05N.",
        OldArtifact("image_clusters.named").content[:-50],
        pickle.dumps({"format": 2, "pipeline": "image_clusters"}),
        pickle.dumps({"format": 1, "pipeline": "image_similarity"}),
        pickle.dumps({"format": 1, "pipeline": "image_clusters"}),
        pickle.dumps(OrderedDict(format=1, pipeline="image_clusters")),
    ],
)
def test_a_file_that_is_no_artifact_of_format_1_is_refused(content):
    with pytest.raises(NotConvertible):
        format_1.parts_of(content, "image_clusters")


def job(folder, old: OldArtifact, sha256: str = "") -> None:
    sha256 = sha256 or old.record["sha256"]
    ConversionJob(Stored(old.path, sha256), old.pipeline).write(folder)


def test_the_child_converts_without_a_database(tmp_path):
    old = OldArtifact("text_classification.automl")
    job(tmp_path, old)
    done = subprocess.run(
        [sys.executable, "-m", "mlapi.conversion.child", str(tmp_path)],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    content = (tmp_path / "artifact.bin").read_bytes()
    assert content == converted(old)
    result = json.loads((tmp_path / "result.json").read_text())
    assert result == {"sha256": hashlib.sha256(content).hexdigest()}


def test_the_child_unpickles_nothing_that_has_another_hash(tmp_path, monkeypatch):
    unpickled = []
    monkeypatch.setattr(format_1, "parts_of", lambda *args: unpickled.append(args))
    monkeypatch.setattr(child, "begin", lambda: None)  # this process keeps its priority
    job(tmp_path, OldArtifact("image_clusters.named"), sha256="0" * 64)
    assert child.main([str(tmp_path)]) == 1
    assert unpickled == []
    assert "ArtifactCorrupt" in json.loads((tmp_path / "error.json").read_text())["message"]
