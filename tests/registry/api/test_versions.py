"""/api/versions/."""

import base64
import hashlib

import pytest

from registry import artifacts
from registry.models import AuditEntry, ModelVersion, Project, TrainingRun
from tests import factories as make
from tests.registry.reports.records import clusters

from .conftest import AUTH_QUERIES, assert_queries, code


def test_a_version_is_listed_with_its_state_and_primary_metric(viewer, version, project):
    make.ModelVersionFactory(project=project, metrics=[])
    unevaluated, champion = viewer.rows("versions/")
    assert champion["state"] == "champion"
    known = {"interval": None, "few": False}
    assert champion["primary"] == {"metric": "macro_f1", "value": 0.8, "n": 40, **known}
    assert unevaluated["state"] == "available"
    assert unevaluated["primary"] == {"metric": "macro_f1", "value": None, "n": 0, **known}


def test_a_version_is_read_with_its_targets(viewer, version):
    with assert_queries(AUTH_QUERIES + 2):
        data = viewer.get(f"versions/{version.pk}/").json()
    assert data["targets"][0]["labels"] == ["Negative", "Positive"]
    assert data["targets"][0]["decision"] == ""
    assert data["environment"] == {"python": "3.11"}
    assert data["artifact_sha256"] == version.artifact_sha256


def test_a_target_says_how_it_decides_where_it_is_not_the_likeliest_label(viewer):
    decision = "Rare labels count more."
    version = make.ModelVersionFactory(targets=[make.TARGET | {"decision": decision}])
    assert viewer.get(f"versions/{version.pk}/").json()["targets"][0]["decision"] == decision
    assert viewer.get(f"versions/{version.pk}/card/").json()["targets"][0]["decision"] == decision


def test_a_version_says_that_label_studio_was_still_being_read(viewer, version):
    assert viewer.get(f"versions/{version.pk}/").json()["read_so_far"] is None
    so_far = {"read": 2_000, "of": 20_000}
    TrainingRun.objects.filter(pk=version.run_id).update(dataset_counts={"read_so_far": so_far})
    assert viewer.get(f"versions/{version.pk}/").json()["read_so_far"] == so_far


def test_more_versions_take_no_more_queries(viewer, project):
    for _ in range(5):
        make.ModelVersionFactory(project=project)
    with assert_queries(AUTH_QUERIES + 1):
        assert len(viewer.rows("versions/")) == 5


def test_versions_are_filtered_searched_and_ordered(viewer, lead, project, version):
    old = make.ModelVersionFactory(project=project)
    lead.post(f"versions/{old.pk}/archive/", {"reason": "Old."})
    elsewhere = make.ModelVersionFactory()

    def ids(**query):
        return [row["id"] for row in viewer.rows("versions/", query)]

    assert ids(project=project.pk) == [old.pk, version.pk]
    assert ids(champion="true") == [version.pk]
    assert ids(champion="false") == [elsewhere.pk, old.pk]
    assert ids(archived="true") == [old.pk]
    assert ids(load_failed="true") == []
    assert ids(run=version.run_id) == [version.pk]
    assert ids(project=project.pk, number=2) == [old.pk]
    assert ids(label=version.label) == [version.pk]
    within = {"project": project.pk}
    assert ids(search=old.label.upper(), **within) == [old.pk]
    assert ids(created_after=old.created_at.isoformat(), **within) == [old.pk]
    assert ids(created_before=old.created_at.isoformat(), **within) == [version.pk]
    assert ids(ordering="number", project=project.pk) == [version.pk, old.pk]


def test_versions_are_filtered_by_one_of_their_pipelines(viewer, project, version):
    both = make.ModelVersionFactory(project=project, pipeline="image_clusters, text_classification")
    for pipeline, found in (
        ("image_clusters", [both.pk]),
        ("text_classification", [both.pk, version.pk]),
        ("classification", []),
    ):
        rows = viewer.rows("versions/", {"project": project.pk, "pipeline": pipeline})
        assert [row["id"] for row in rows] == found


def test_a_lead_promotes_with_a_reason(lead, project, version):
    newer = make.ModelVersionFactory(project=project)
    url = f"versions/{newer.pk}/promote/"
    assert code(lead.post(url, {"reason": "  "})) == "input_invalid"
    answer = lead.post(url, {"reason": "Better on long texts."})
    assert answer.json()["state"] == "champion"
    assert Project.objects.get(pk=project.pk).champion_id == newer.pk
    entry = AuditEntry.objects.latest("id")
    assert (entry.verb, entry.actor, entry.reason) == ("promote", "lea", "Better on long texts.")
    answer = lead.post(url, {"reason": "Again."})
    assert answer.status_code == 409
    assert code(answer) == "not_promotable"


@pytest.mark.parametrize(
    "action", ["promote", "archive", "unarchive", "note", "clear-load-failure"]
)
def test_a_viewer_does_nothing_to_a_version(viewer, version, action):
    answer = viewer.post(f"versions/{version.pk}/{action}/", {"reason": "r"})
    assert code(answer) == "permission_denied"


def test_a_version_goes_into_the_archive_and_out_again(lead, project, version):
    url = f"versions/{make.ModelVersionFactory(project=project).pk}"
    assert lead.post(f"{url}/archive/", {"reason": "Old."}).json()["state"] == "archived"
    assert code(lead.post(f"{url}/archive/", {"reason": "Old."})) == "state_unchanged"
    assert lead.post(f"{url}/unarchive/", {"reason": "Wanted."}).json()["state"] == "available"
    served = lead.post(f"versions/{version.pk}/archive/", {"reason": "r"})
    assert code(served) == "champion_not_archivable"


def test_a_note_is_written_and_the_one_before_stays_in_the_audit_entry(lead, version):
    url = f"versions/{version.pk}/note/"
    lead.post(url, {"note": "Good on short texts."})
    assert lead.post(url, {"note": ""}).json()["note"] == ""
    assert AuditEntry.objects.latest("id").numbers == {"from": "Good on short texts."}
    assert code(lead.post(url, {"note": "\x00"})) == "input_invalid"
    assert code(lead.post(url, {"note": "x" * 10_001})) == "input_invalid"
    assert code(lead.post(url, {"text": "x"})) == "input_invalid"


def test_a_failed_load_is_cleared_once_the_artifact_is_back(lead, project):
    broken = make.ModelVersionFactory(project=project)
    url = f"versions/{broken.pk}/clear-load-failure/"
    assert code(lead.post(url, {"reason": "r"})) == "state_unchanged"
    artifacts.fetch(broken).unlink()
    answer = lead.post(url, {"reason": "r"})
    assert code(answer) == "artifact_missing"


def test_the_artifact_is_downloaded_with_its_sha256(viewer, version):
    url = f"versions/{version.pk}/artifact/"
    answer = viewer.get(url)
    content = b"".join(answer.streaming_content)
    digest = hashlib.sha256(content)
    assert answer["ETag"] == f'"{digest.hexdigest()}"'
    assert answer["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert answer["Content-Disposition"] == f'attachment; filename="{version.label}.artifact"'
    assert int(answer["Content-Length"]) == version.artifact_bytes
    again = viewer.get(url, **{"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


def test_an_export_is_downloaded_with_its_sha256(viewer, version):
    url = f"versions/{version.pk}/export/"

    answer = viewer.get(url)

    content = b"".join(answer.streaming_content)
    assert content == f"the export of {version.label}".encode()
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == f'attachment; filename="{version.label}.export.zip"'
    digest = hashlib.sha256(content)
    assert answer["ETag"] == f'"{digest.hexdigest()}"'
    expected = base64.b64encode(digest.digest()).decode()
    assert answer["Repr-Digest"] == f"sha-256=:{expected}:"
    assert viewer.get(url, **{"If-None-Match": answer["ETag"]}).status_code == 304


def test_a_dataset_is_downloaded_in_the_requested_form(viewer, version):
    url = f"versions/{version.pk}/dataset/"

    lines, tasks = viewer.get(url), viewer.get(url, {"as": "labelstudio"})

    assert b"".join(lines.streaming_content) == f"{version.label} as jsonl".encode()
    assert b"".join(tasks.streaming_content) == f"{version.label} as labelstudio".encode()
    name = f"{version.label}.dataset.json"
    assert tasks["Content-Disposition"] == f'attachment; filename="{name}"'
    assert viewer.get(url, {"as": "csv"}).status_code == 400


def test_a_version_without_an_export_is_refused_with_its_reason(viewer, version):
    ModelVersion.objects.filter(pk=version.pk).update(note="not exportable")
    answer = viewer.get(f"versions/{version.pk}/export/")
    assert answer.status_code == 409
    assert code(answer) == "not_exportable"


def test_an_artifact_that_was_tampered_with_is_not_downloaded(viewer, version):
    path = artifacts.fetch(version)
    path.chmod(0o600)
    path.write_bytes(b"something else")
    answer = viewer.get(f"versions/{version.pk}/artifact/")
    assert code(answer) == "artifact_corrupt"


def test_the_surest_mistakes_come_first(viewer, version):
    make.OutcomeFactory(version=version, source="holdout", predicted="Negative", score=0.6)
    worst = make.OutcomeFactory(version=version, source="holdout", predicted="Negative", score=0.9)
    make.OutcomeFactory(version=version, source="holdout")
    url = f"versions/{version.pk}/mistakes/"
    rows = viewer.get(url).json()
    assert [one["score"] for one in rows] == [0.9, 0.6]
    assert rows[0]["outcome"] == worst.pk
    assert rows[0]["task"]["text"] == worst.task.data["text"]
    assert len(viewer.get(url, {"limit": 1, "target": "label"}).json()) == 1
    assert viewer.get(url, {"target": "other"}).json() == []
    assert code(viewer.get(url, {"limit": 501})) == "input_invalid"


def test_each_label_is_listed_with_its_best_examples(viewer, project):
    version = clusters(project, {"cats": 4, "dogs": 9}, exemplar_count=3)
    url = f"versions/{version.pk}/exemplars/"
    with assert_queries(AUTH_QUERIES + 4):  # version with project, targets, two of the report
        rows = viewer.get(url, {"limit": 2}).json()
    assert [(look["label"], look["n"], look["total"]) for look in rows] == [
        ("dogs", 9, 3),
        ("cats", 4, 3),
    ]
    best = rows[0]["examples"]
    assert [one["score"] for one in best] == [0.9, 0.89]
    assert best[0]["task"]["thumbnail"] == f"/api/tasks/{best[0]['task']['id']}/thumbnail/"
    (cats,) = viewer.get(url, {"label": "cats", "target": "label"}).json()
    assert len(cats["examples"]) == 3
    assert viewer.get(url, {"label": "birds"}).json() == []
    for query in ({"limit": 0}, {"limit": 101}, {"labels": "cats"}):
        assert code(viewer.get(url, query)) == "input_invalid"


def test_a_version_has_its_extractor_and_its_primary_metric(viewer, project):
    version = clusters(project, {"cats": 4})
    data = viewer.get(f"versions/{version.pk}/").json()
    assert data["extractor"] == "opencv-1"
    primary = {"metric": "silhouette", "value": 0.31, "n": 40, "interval": None, "few": False}
    assert data["primary"] == primary
    (point,) = viewer.get(f"projects/{project.pk}/metrics/").json()
    assert (point["metric"], point["k"]) == ("silhouette", 0)
    card = viewer.get(f"versions/{version.pk}/card/").json()
    assert card["primary_metric"] == "silhouette"
    assert [look["label"] for look in card["labels"]] == ["cats"]


def test_two_versions_are_compared_on_the_same_tasks(viewer, project, version):
    newer = make.ModelVersionFactory(project=project)
    for right in (True, False):
        task = make.TaskFactory(project=project, labelled="Positive")
        for one, is_positive in ((version, right), (newer, True)):
            make.OutcomeFactory(
                version=one,
                task=task,
                source="holdout",
                predicted="Positive" if is_positive else "Negative",
            )
    url = f"versions/{newer.pk}/compare/"
    data = viewer.get(url, {"with": version.pk}).json()
    assert data["a"]["label"] == version.label
    assert data["b"]["label"] == newer.label
    assert data["n"] == 2
    assert data["targets"][0]["only_b"] == 1
    assert data["targets"][0]["b_right"][0]["a"] == "Negative"
    elsewhere = make.ModelVersionFactory()
    assert code(viewer.get(url, {"with": elsewhere.pk})) == "input_invalid"
    assert code(viewer.get(url)) == "input_invalid"


def test_a_card_is_served_as_json_and_as_markdown(viewer, version):
    data = viewer.get(f"versions/{version.pk}/card/").json()
    assert data["version"] == version.label
    assert data["lineage"]["artifact"]["sha256"] == version.artifact_sha256
    answer = viewer.get(f"versions/{version.pk}/card/markdown/")
    assert answer["Content-Type"].startswith("text/markdown")
    assert answer.content.decode().startswith(f"# {version.label} of ")


def test_the_primary_metric_has_its_interval_and_a_mark_of_few_tasks(viewer, project):
    few = [{"name": "primary", "value": 1.0, "n": 13}]
    version = make.ModelVersionFactory(project=project, metrics=few, primary_interval=[0.772, 1.0])
    primary = viewer.get(f"versions/{version.pk}/").json()["primary"]
    assert primary == {
        "metric": "macro_f1",
        "value": 1.0,
        "interval": [0.772, 1.0],
        "n": 13,
        "few": True,
    }
    points = viewer.get(f"projects/{project.pk}/metrics/?name=primary").json()
    assert points[-1]["interval"] == [0.772, 1.0]


def test_a_metric_has_the_same_digits_on_each_route(viewer, project):
    value = 2 / 3 + 1e-16
    version = make.ModelVersionFactory(
        project=project, champion=True, metrics=[{"name": "primary", "value": value, "n": 40}]
    )
    one = viewer.get(f"versions/{version.pk}/").json()["primary"]["value"]
    (listed,) = viewer.get("versions/", {"project": project.pk}).json()["results"]
    (point,) = viewer.get(f"projects/{project.pk}/metrics/", {"name": "primary"}).json()
    (metric,) = viewer.get("metrics/", {"version": version.pk}).json()["results"]
    values = [one, listed["primary"]["value"], point["value"], metric["value"]]
    assert values == [value] * 4


def test_versions_are_found_by_a_tag(lead, viewer, version):
    other = make.ModelVersionFactory(project=version.project)
    answer = lead.post(f"versions/{version.pk}/tags/", {"tags": "short  texts, emoji,, emoji"})
    assert answer.json()["tags"] == ["emoji", "short texts"]
    for tag, expected in (("short texts", [version.pk]), ("short", []), ("x", [])):
        rows = viewer.get("versions/", {"tag": tag}).json()["results"]
        assert [row["id"] for row in rows] == expected, tag
    assert viewer.get(f"versions/{other.pk}/").json()["tags"] == []
    assert code(viewer.post(f"versions/{version.pk}/tags/", {"tags": "x"})) == "permission_denied"
    for tags in ("x" * 51, ", ".join(map(str, range(21)))):
        assert code(lead.post(f"versions/{version.pk}/tags/", {"tags": tags})) == "input_invalid"
    assert lead.post(f"versions/{version.pk}/tags/", {"tags": ""}).json()["tags"] == []
