"""Predictions on images: stored features, and images that are downloaded and embedded now."""

import threading
from collections.abc import Sequence
from time import monotonic

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mlapi.images.features import ExtractorRef
from mlapi.images.online import OnlineImages, naming
from registry.actions import features
from registry.actions.features import FeatureRow
from registry.models import Feature, Project, Task
from tests.mlapi.image_files import digits
from tests.mlapi.image_projects import predict, project, put, server, small

__all__ = ["project", "server"]

pytestmark = pytest.mark.django_db(transaction=True)


def task_queries(project: Project, pairs: Sequence[tuple[int, str]]) -> list[str]:
    """The queries on tasks with which the request is answered, without a problem."""
    with CaptureQueriesContext(connection) as ran:
        assert predict(project, pairs).problems == {}
    return [query["sql"] for query in ran if 'FROM "registry_task"' in query["sql"]]


def test_serving_embeds_each_image_once_and_stores_its_features(server, project):
    addresses = small(server, project)
    new = list(enumerate(addresses, start=1))[120:]
    before = len(server.requests)

    first = predict(project, new)
    second = predict(project, new)

    assert first.problems == second.problems == {}
    assert [r["result"][0]["value"] for r in first.results] == [
        r["result"][0]["value"] for r in second.results
    ]
    assert first.model_version == project.champion.label
    assert len(server.requests) - before == 10
    assert Feature.objects.filter(task__labelstudio_id__gt=120).count() == 10


def test_a_request_reads_each_mirrored_task_once_however_many_images_it_has(server, project):
    new = list(enumerate(small(server, project, unlabelled=110), start=1))[120:]

    few, many = task_queries(project, new[:10]), task_queries(project, new[10:])

    assert len(few) == len(many) == 2  # which of them are mirrored, and their data under lock
    assert sum('"data"' in sql for sql in many) == 1
    assert Feature.objects.filter(task__labelstudio_id__gt=120).count() == 110
    assert task_queries(project, new) == []


def test_an_id_that_no_task_can_have_does_not_affect_the_predictions(server, project):
    small(server, project)
    address = server.put("new.png", digits()[0][500])

    assert predict(project, [(10**30, address), (0, address)]).problems == {}


def test_stored_features_are_served_when_the_image_host_is_down(server, project):
    addresses = small(server, project)
    server.files.clear()

    answered = predict(project, [(1, addresses[0]), (2, addresses[1]), (130, addresses[129])])

    assert [bool(r) for r in answered.results] == [True, True, False]
    assert list(answered.problems) == ["media_not_found"]


def test_a_task_that_is_not_mirrored_is_predicted_and_its_features_are_not_stored(server, project):
    small(server, project)
    address = server.put("new.png", digits()[0][500])

    answered = predict(project, [(9_999, address)])

    assert answered.results[0]["result"]
    assert Feature.objects.count() == 120


def test_an_unavailable_image_has_its_reason_and_does_not_affect_others(server, project):
    addresses = small(server, project)
    server.put("broken.png", b"\x89PNG no more")
    broken = f"http://{server.host}/broken.png"

    answered = predict(
        project,
        [
            (1, addresses[0]),
            (901, broken),
            (902, f"http://{server.host}/nowhere.png"),
            (903, "http://169.254.169.254/latest/meta-data"),
            (904, "file:///etc/passwd"),
            (2, addresses[1]),
        ],
    )

    assert [bool(r) for r in answered.results] == [True, False, False, False, False, True]
    assert {n for ids in answered.problems.values() for n in ids} == {901, 902, 903, 904}
    assert {903, 904} <= set(answered.problems["media_address_refused"])


def test_the_same_image_under_another_address_is_not_embedded_again(server, project, monkeypatch):
    addresses = small(server, project)
    again = server.put("the-same.png", server.files["/0.png"])
    put(project, [again], [None], first=500)
    opencv = ExtractorRef("opencv", project.champion.extractor)
    monkeypatch.setattr("mlapi.images.online._functions", None)  # embedding an image would fail

    rows = list(Task.objects.filter(project=project).values_list("pk", "data"))
    one, other = OnlineImages(project, lambda found: naming(rows, found)).vectors(
        opencv, [addresses[0], again]
    )

    assert one.tolist() == other.tolist()
    assert Feature.objects.filter(task__labelstudio_id=500).count() == 1


def test_a_task_whose_image_changes_while_it_is_embedded_stores_no_old_features(server, project):
    addresses = small(server, project)
    task = Task.objects.get(project=project, labelstudio_id=1)
    put(project, [server.put("other.png", digits()[0][300])], ["5"])

    features.save(
        project,
        project.champion.extractor,
        [FeatureRow(task.pk, addresses[0], "c" * 64, b"\0" * 4)],
    )

    assert not Feature.objects.filter(task=task).exists()


def test_event_processing_predicts_no_image_that_has_to_be_downloaded(server, project):
    addresses = small(server, project)
    before = len(server.requests)
    opencv = ExtractorRef("opencv", project.champion.extractor)

    vector, problem = OnlineImages(project, seconds=0).vectors(
        opencv, [addresses[0], addresses[125]]
    )

    assert len(vector) > 100
    assert problem.code == "image_pending"
    assert len(server.requests) == before


def test_a_request_without_a_free_download_slot_does_not_wait(server, project, monkeypatch):
    addresses = small(server, project)
    taken = threading.BoundedSemaphore(1)
    taken.acquire()
    monkeypatch.setattr("mlapi.images.online._downloading", taken)

    answered = predict(project, [(1, addresses[0]), (125, addresses[124])])

    assert [bool(r) for r in answered.results] == [True, False]
    assert answered.problems == {"image_pending": [125]}


def test_images_that_take_too_long_to_decode_are_left_for_a_later_request(
    server, project, monkeypatch
):
    addresses = small(server, project)
    now = monotonic()
    read = iter([now, now, now, now + 3600])
    monkeypatch.setattr("mlapi.images.online.monotonic", lambda: next(read, now + 3600))

    answered = predict(project, [(125, addresses[124]), (126, addresses[125])])

    assert len(answered.results) == 2
    assert set(answered.problems) == {"image_pending"}
