"""Artifacts that are swapped in the store: no process reads content that was not registered."""

import itertools
import pickle
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from mlapi import model_cache
from mlapi.child_process.supervise import ChildFailed, Limits, program, supervise
from mlapi.domain import Stored
from mlapi.pipelines.models import load_model
from mlapi.run_folder.job import ConversionJob, TrainingJob
from registry import artifacts
from registry.verified import ArtifactCorrupt, ArtifactMissing, sha256_of
from tests.factories import ModelVersionFactory
from tests.faults.swapping import swapped
from tests.mlapi.trained import artifact
from tests.mlapi.training.projects import labelled_project
from tests.waiting import PATIENCE_S

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_loaded_versions"),
]
READS = 500


@dataclass
class Attempts:
    """So many attempts, and more until one counts: whoever swaps may have to wait for its turn.

    Fails where none counts.
    """

    at_least: int
    counted: int = 0

    def __iter__(self) -> Iterator[int]:
        deadline = time.monotonic() + PATIENCE_S
        for number in itertools.count():
            if number >= self.at_least and self.counted:
                return
            assert time.monotonic() < deadline, f"none of {number} attempts"
            yield number


class RunsOnUnpickling:
    """Unpickled, it writes the file."""

    def __init__(self, path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.fixture
def proof(tmp_path):
    """The file that is there if code of the artifact ran."""
    return tmp_path / "it ran"


@pytest.fixture
def malicious_artifact(proof) -> bytes:
    return pickle.dumps(
        {"format": 1, "pipeline": "text_classification", "targets": [RunsOnUnpickling(proof)]}
    )


@pytest.fixture
def version():
    project = labelled_project({"Positive": 35, "Negative": 25})
    return ModelVersionFactory(project=project, content=artifact(), champion=True)


def test_of_many_reads_during_swaps_each_is_the_registered_content_or_refused(
    version, malicious_artifact, proof, tmp_path
):
    """The other file may be another version's artifact, which every process would load."""
    path, own = artifacts.fetch(version), artifacts.read(version)
    for another in (malicious_artifact, artifact(temperature=3.0)):
        reads = Attempts(READS)
        with swapped(path, another, tmp_path):
            for _ in reads:
                try:
                    assert artifacts.read(version) == own
                    with artifacts.open_original(version) as file:
                        file.read(1)
                except (ArtifactCorrupt, ArtifactMissing):
                    reads.counted += 1  # as refused
        assert artifacts.read(version) == own
    assert not proof.exists()


def test_the_server_loads_the_version_or_nothing_during_swaps(
    version, malicious_artifact, proof, tmp_path
):
    loads = Attempts(100)
    with swapped(artifacts.fetch(version), artifact(labels=("Good", "Bad")), tmp_path):
        for _ in loads:
            model_cache.clear()
            try:
                predictor = model_cache.load(version)
            except model_cache.ModelUnavailable:
                continue
            loads.counted += 1
            assert predictor.targets[0].labels == ("Positive", "Negative")


@pytest.mark.parametrize("reader", ["load check", "conversion"])
def test_a_child_process_reads_only_the_hash_in_its_arguments(
    reader, malicious_artifact, proof, tmp_path
):
    """The file is another when the child opens it, as when a swap falls between two processes."""
    path = tmp_path / "artifact"
    path.write_bytes(artifact())
    stored = Stored(path, sha256_of(path))
    if reader == "conversion":
        ConversionJob(stored, "text_classification").write(tmp_path)
        command = program("mlapi.conversion.child", str(tmp_path))
    else:
        TrainingJob(tmp_path, 1, 1, 2, "text_classification", targets=()).write()
        (tmp_path / "dataset.jsonl").touch()
        command = program(
            "mlapi.training.load_check_child", str(tmp_path), str(path), stored.sha256
        )
    for another in (malicious_artifact, artifact(temperature=3.0)):
        path.write_bytes(another)
        with pytest.raises(ChildFailed, match="not the file that was put there"):
            supervise(command, tmp_path, Limits(PATIENCE_S, 4096))
    assert not proof.exists()


def test_a_training_reads_a_champion_only_as_it_was_hashed(malicious_artifact, proof, tmp_path):
    path = tmp_path / "artifact"
    path.write_bytes(artifact())
    sha256 = sha256_of(path)
    for another in (malicious_artifact, artifact(labels=("Good", "Bad"))):
        loads = Attempts(100)
        with swapped(path, another, tmp_path):
            for _ in loads:
                load_model.cache_clear()
                with suppress(ArtifactCorrupt, ArtifactMissing):
                    (target,) = load_model(str(path), sha256).targets
                    assert target.spec.labels == ("Positive", "Negative")
                    loads.counted += 1
    assert not proof.exists()
