"""GET, POST /versions and GET /metrics."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from registry.actions import versions
from tests.factories import ModelVersionFactory, ProjectFactory
from tests.mlapi.caller import queries


@pytest.mark.django_db
def test_versions_are_newest_first_for_both_forms_of_the_question(call, project):
    first = ModelVersionFactory(project=project)
    second = ModelVersionFactory(project=project)
    other = ModelVersionFactory(project=ProjectFactory())
    own = {"versions": [second.label, first.label]}
    with queries(2):
        assert call.get("/versions", {"project": project.uid}).json() == own
    assert call.post("/versions", {"project": project.uid}).json() == own
    everything = {"versions": [other.label, second.label, first.label]}
    assert call.get("/versions").json() == everything
    assert call.raw("/versions", b"").json() == everything
    assert call.get("/versions", {"project": "no uid"}).json() == {"versions": []}


@pytest.mark.django_db
def test_an_archived_version_is_not_offered(call, project):
    first = ModelVersionFactory(project=project)
    ModelVersionFactory(project=project, champion=True)
    versions.archive(first, actor="tester")
    assert first.label not in call.get("/versions").json()["versions"]


@pytest.mark.django_db
def test_metrics_are_each_champions_with_the_baseline_and_n(call, project):
    version = ModelVersionFactory(project=project, champion=True)
    ModelVersionFactory(project=project)
    with queries(3):
        (champion,) = call.get("/metrics").json()["champions"]
    assert (champion["project"], champion["version"]) == (project.uid, version.label)
    by_name = {m["name"]: m for m in champion["metrics"] if m["target"] == "label"}
    assert by_name["accuracy"]["value"] == 0.82
    assert by_name["baseline_accuracy"]["value"] == 0.5
    assert by_name["accuracy"]["n"] == 40
    assert "f1" not in by_name  # of one class


@pytest.mark.django_db
@pytest.mark.parametrize(
    "accept",
    [
        "text/plain",
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    ],
)
def test_a_scraper_gets_prometheus_text(accept, call, project):
    version = ModelVersionFactory(project=project, champion=True)
    call.post("/predict", {"project": "1.1", "tasks": [{"id": 1}], "label_config": ""})
    answer = call.get("/metrics", accept=accept)
    assert answer["Content-Type"].startswith("text/plain")
    families = {f.name: f for f in text_string_to_metric_families(answer.text)}
    requests = families["evals_requests"].samples
    assert any(
        s.labels == {"route": "predict", "method": "POST", "status": "200"} for s in requests
    )
    predicted = {s.labels["outcome"]: s.value for s in families["evals_predict_tasks"].samples}
    assert predicted["project_unknown"] >= 1
    assert "evals_request_seconds" in families
    accuracy = [
        s
        for s in families["evals_champion_metric"].samples
        if s.labels["name"] == "accuracy" and s.labels["version"] == version.label
    ]
    assert [s.value for s in accuracy] == [0.82]
    assert accuracy[0].labels["project"] == project.uid
