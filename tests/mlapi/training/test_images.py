"""Runs on images by workers: each image is downloaded, and embedded in EvaDB once."""

import hashlib
import sys
import threading
from collections.abc import Sequence
from time import monotonic

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mlapi import model_cache, serving
from mlapi.child_process.supervise import Program
from mlapi.images.features import ExtractorRef
from mlapi.images.online import OnlineImages, naming
from mlapi.images.similarity import NoFeatures, forget, similar
from mlapi.images.thumbnails import NoThumbnail
from mlapi.mirror.apply_changes import refresh_stored_config
from mlapi.training import scoring
from mlapi.training.load_check import loads_in_a_fresh_process
from mlapi.training.run import Programs, carry_out
from registry.actions import features, project_settings, runs, tasks
from registry.actions.features import FeatureRow
from registry.actions.tasks import TaskState
from registry.engine import engine
from registry.models import Feature, Project, Task, TaskScore, TrainingRun
from tests.factories import ProjectFactory, mirror
from tests.mlapi.image_files import digits, inked_digits
from tests.mlapi.image_server import image_server
from tests.mlapi.trained_images import champion_of_digits

pytestmark = pytest.mark.django_db(transaction=True)

# The learning curve comes after a run has ended, and is tested with the child itself.
WITHOUT_CURVE = Programs(curve=lambda folder: Program((sys.executable, "-c", "raise SystemExit")))
DIGITS = "".join(f'<Choice value="{d}"/>' for d in range(10))
CONFIG = (
    '<View><Image name="img" value="$image"/>'
    f'<Choices name="kind" toName="img">{DIGITS}</Choices></View>'
)


@pytest.fixture
def server(settings):
    with image_server() as running:
        settings.MEDIA_ALLOWED_HOSTS = [running.host]
        yield running


@pytest.fixture
def project():
    model_cache.clear()
    forget()
    made = ProjectFactory(label_config=CONFIG, pipeline="", hostname="")
    refresh_stored_config(made)
    made.refresh_from_db()
    yield made
    model_cache.clear()
    forget()


def put(project: Project, addresses: Sequence[str], labels: Sequence[str | None], first=1) -> None:
    """Tasks as the mirror has them; None: nobody has labelled it."""
    states = [
        TaskState(
            labelstudio_id=first + i,
            data={"image": address},
            labels={} if label is None else {"kind": label},
            annotations=[] if label is None else [{"id": first + i}],
            input_key=hashlib.sha256(address.encode()).hexdigest(),
        )
        for i, (address, label) in enumerate(zip(addresses, labels, strict=True))
    ]
    mirror(project, states)


def train(project: Project) -> TrainingRun:
    run, _ = runs.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run = carry_out(run.pk, "worker@test", programs=WITHOUT_CURVE)
    project.refresh_from_db()
    return run


def images_of(run: TrainingRun) -> dict[str, int]:
    assert run.state == "succeeded", f"{run.error_code}: {run.error} {run.log}"
    return run.dataset_counts["images"]


def test_an_image_whose_address_is_put_together_is_downloaded_and_embedded_once(server):
    files, labels = digits()
    many = 60
    addresses = [server.put(f"{i}.png", content) for i, content in enumerate(files[:many])]
    folder = addresses[0].rpartition("/")[0]
    config = CONFIG.replace('value="$image"', 'value="$folder/$file"')
    project = ProjectFactory(label_config=config, pipeline="", hostname="")
    refresh_stored_config(project)
    states = [
        TaskState(
            labelstudio_id=1 + i,
            data={"folder": folder, "file": f"{i}.png"},
            labels={"kind": label},
            annotations=[{"id": 1 + i}],
            input_key=hashlib.sha256(f"{i}".encode()).hexdigest(),
        )
        for i, label in enumerate(labels[:many])
    ]
    mirror(project, states)

    assert images_of(train(project))["embedded"] == len(set(files[:many]))
    assert Feature.objects.filter(project=project).values("task").distinct().count() == many

    again = images_of(train(project))
    assert (again["cached"], again["downloaded"], again["embedded"]) == (many, 0, 0)
    server.put("new.png", files[many])
    mirror(project, [TaskState(labelstudio_id=99, data={"folder": folder, "file": "new.png"})])
    task = {"id": 99, "data": {"folder": folder, "file": "new.png"}}
    assert serving.answer(project, config, [task]).empty == 0
    assert Feature.objects.filter(project=project, task__labelstudio_id=99).count() == 1


@pytest.mark.parametrize("many", [280, pytest.param(1980, marks=pytest.mark.nightly)])
def test_many_images_and_twenty_more(server, project, many):
    grey, labels = digits()
    inked, _ = inked_digits(203)
    files = [*grey, *inked][: many + 20]
    labels = [*labels, *labels[:203]][: many + 20]
    addresses = [server.put(f"{i}.png", content) for i, content in enumerate(files)]
    put(project, addresses[:many], labels[:many])
    put(project, addresses[many:], [None] * 20, first=many + 1)

    first = images_of(train(project))

    assert (first["images"], first["downloaded"], first["cached"]) == (many, many, 0)
    assert first["unavailable"] == 0
    assert first["embedded"] == len(set(files[:many]))
    put(project, addresses[many:], labels[many:], first=many + 1)
    before = len(server.requests)

    second = images_of(train(project))

    assert (second["images"], second["cached"]) == (many + 20, many)
    assert (second["downloaded"], second["embedded"]) == (20, 20)
    assert len(server.requests) - before == 20
    assert Feature.objects.filter(project=project).count() == many + 20


def small(server, project, n=120, unlabelled=10) -> list[str]:
    """A project of n labelled digits with a champion, and some that nobody has labelled."""
    files, labels = digits(n + unlabelled)
    addresses = [server.put(f"{i}.png", content) for i, content in enumerate(files)]
    put(project, addresses, [*labels[:n], *[None] * unlabelled])
    champion_of_digits(project, n)
    return addresses


def predict(project: Project, pairs: Sequence[tuple[int, str]]) -> serving.Predictions:
    tasks = [{"id": number, "data": {"image": address}} for number, address in pairs]
    return serving.answer(project, project.label_config, tasks)


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


def task_queries(project: Project, pairs: Sequence[tuple[int, str]]) -> list[str]:
    """The queries on tasks with which the request is answered, without a problem."""
    with CaptureQueriesContext(connection) as ran:
        assert predict(project, pairs).problems == {}
    return [query["sql"] for query in ran if 'FROM "registry_task"' in query["sql"]]


def test_a_request_reads_each_mirrored_task_once_however_many_images_it_has(server, project):
    new = list(enumerate(small(server, project, unlabelled=110), start=1))[120:]

    few, many = task_queries(project, new[:10]), task_queries(project, new[10:])

    assert len(few) == len(many) == 2  # which of them are mirrored, and their data under lock
    assert sum('"data"' in sql for sql in many) == 1
    assert Feature.objects.filter(task__labelstudio_id__gt=120).count() == 110
    assert task_queries(project, new) == []


def test_an_id_that_no_task_can_have_spoils_no_prediction(server, project):
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


def test_an_unavailable_image_has_its_reason_and_spoils_no_other(server, project):
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


def test_unlabelled_images_are_scored_and_embedded_beforehand(server, project):
    addresses = small(server, project)

    assert scoring.score(project.champion_id) == 10

    assert TaskScore.objects.filter(version=project.champion, score__isnull=False).count() == 10
    before = len(server.requests)
    predict(project, list(enumerate(addresses, start=1)))
    assert len(server.requests) == before


def test_a_version_of_images_loads_in_a_fresh_process(server, project):
    small(server, project)
    server.files.clear()

    assert loads_in_a_fresh_process(project.champion)


def test_the_nearest_of_an_image_are_found_as_long_as_it_has_features(server, project):
    small(server, project)
    labels = digits(130)[1]
    task = Task.objects.get(project=project, labelstudio_id=1)

    found = similar(task, 5)

    by_id = dict(Task.objects.filter(project=project).values_list("pk", "labelstudio_id"))
    assert len(found) == 5
    assert task.pk not in {n.task for n in found}
    cosines = [n.cosine for n in found]
    assert cosines == sorted(cosines, reverse=True)
    assert sum(labels[by_id[n.task] - 1] == labels[0] for n in found) >= 4
    tasks.drop(project, [by_id[found[0].task]])
    assert found[0].task not in {n.task for n in similar(task, 5)}
    with pytest.raises(NoFeatures):
        similar(Task.objects.get(project=project, labelstudio_id=125), 5)


def test_a_task_has_a_thumbnail_while_its_image_is_available(server, project):
    small(server, project)
    task = Task.objects.get(project=project, labelstudio_id=1)

    content = engine().thumbnail(task)

    assert content[:2] == b"\xff\xd8"
    assert engine().thumbnail(task) == content
    task.data = {"image": f"http://{server.host}/nowhere.png"}
    with pytest.raises(NoThumbnail, match="media_not_found"):
        engine().thumbnail(task)
    task.data = {}
    with pytest.raises(NoThumbnail, match="no image"):
        engine().thumbnail(task)


def test_a_run_without_any_image_says_why(server, project):
    files, labels = digits(30)
    put(project, [f"http://{server.host}/{i}.png" for i in range(30)], labels)

    run = train(project)

    assert (run.state, run.error_code) == ("failed", "images_unavailable")
    assert "media_not_found" in run.error
    assert "MEDIA_ALLOWED_HOSTS" in run.hint


def test_a_new_similarity_version_serves_though_it_abstains_on_most(server, project):
    project_settings.configure(project, options={"similar_to": "7"}, actor="tester")
    refresh_stored_config(project)
    files, labels = digits(150)
    order = sorted(range(150), key=lambda i: labels[i] == "7")  # its references come last
    addresses = [server.put(f"{i}.png", files[i]) for i in order]
    put(project, addresses, [labels[i] for i in order])

    run = train(project)

    assert images_of(run)["embedded"] == 150
    assert project.champion == run.version
    assert loads_in_a_fresh_process(run.version)
    alike = predict(project, [(150, addresses[149]), (1, addresses[0])])
    assert alike.results[0]["result"][0]["value"] == {"choices": ["7"]}
    assert alike.problems == {"not_similar": [1]}


def test_images_that_outgrow_the_cache_are_all_learned_from(server, project, settings):
    settings.MEDIA_CACHE_MB = 0
    files, labels = digits(60)
    put(project, [server.put(f"{i}.png", f) for i, f in enumerate(files)], labels)

    assert images_of(train(project))["embedded"] == 60


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


def test_an_image_that_may_be_available_later_is_not_scored_for_good(server, project):
    small(server, project)
    gone = dict(server.files)
    server._server.socket.close()  # the host is down now

    scoring.score(project.champion_id)

    assert TaskScore.objects.filter(version=project.champion).count() == 0
    assert gone


def test_the_features_of_a_failed_run_are_stored(server, project):
    files, _ = digits(40)
    addresses = [server.put(f"{i}.png", content) for i, content in enumerate(files)]
    put(project, addresses, ["3"] * 40)

    run = train(project)

    assert (run.state, run.error_code) == ("failed", "one_class")
    assert Feature.objects.filter(project=project).count() == 40
    assert run.dataset_counts["images"]["embedded"] == 40
