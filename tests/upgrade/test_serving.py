"""Champions whose artifact is in the store serve on, under the label that they had."""

import hashlib

import pytest

from mlapi import model_cache
from registry import artifacts
from registry.models import ConvertedArtifact, ModelVersion
from tests.fixtures.database import ACCESS_KEY
from tests.mlapi.caller import Caller

pytestmark = pytest.mark.django_db

# Versions whose artifacts are in the dump's store.
STORED_VERSIONS = (1, 2, 4, 7)


def test_a_champion_answers_with_its_label():
    tasks = [{"id": 1, "data": {"text": "good great"}}, {"id": 2, "data": {"text": "awful poor"}}]
    answer = Caller(f"/k/{ACCESS_KEY}").post(
        "/predict", {"project": "1.1795420847", "tasks": tasks}
    )
    assert answer.status_code == 200
    answered = answer.json()
    assert answered["model_version"] == "v2-8aea00"
    assert [entry["model_version"] for entry in answered["results"]] == ["v2-8aea00"] * 2
    chosen = [entry["result"][0]["value"]["choices"] for entry in answered["results"]]
    assert chosen == [["Positive"], ["Negative"]]
    assert answered["results"][0]["score"] == pytest.approx(0.8704295370025119)


def test_every_version_whose_file_is_there_is_converted():
    assert set(ConvertedArtifact.objects.values_list("version", flat=True)) == set(STORED_VERSIONS)


@pytest.mark.parametrize("pk", STORED_VERSIONS)
def test_a_version_loads_and_its_own_file_is_what_it_was(pk):
    version = ModelVersion.objects.get(pk=pk)
    assert [target.labels for target in model_cache.load(version).targets]
    with artifacts.open_original(version) as file:
        assert version.label.endswith(hashlib.sha256(file.read()).hexdigest()[:6])
