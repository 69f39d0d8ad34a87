"""Champions whose artifact is in the store serve on, under the label that they had."""

import pytest

from registry import artifacts
from registry.models import ModelVersion
from tests.fixtures.database import ACCESS_KEY
from tests.mlapi.caller import Caller

pytestmark = pytest.mark.django_db


def test_a_champion_answers_with_its_label():
    tasks = [{"id": 1, "data": {"text": "good great"}}, {"id": 2, "data": {"text": "awful poor"}}]
    answer = Caller(f"/k/{ACCESS_KEY}").post(
        "/predict", {"project": "1.1795420847", "tasks": tasks}
    )
    assert answer.status_code == 200
    said = answer.json()
    assert said["model_version"] == "v2-8aea00"
    assert [entry["model_version"] for entry in said["results"]] == ["v2-8aea00"] * 2
    chosen = [entry["result"][0]["value"]["choices"] for entry in said["results"]]
    assert chosen == [["Positive"], ["Negative"]]
    assert said["results"][0]["score"] == pytest.approx(0.8704295370025119)


@pytest.mark.parametrize("pk", [1, 2, 4, 7])
def test_the_artifact_of_a_version_is_fetched(pk):
    version = ModelVersion.objects.get(pk=pk)
    assert artifacts.fetch(version).is_file()
