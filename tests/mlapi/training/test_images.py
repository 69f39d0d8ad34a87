"""Runs on images by workers: each image is downloaded, and embedded in EvaDB once."""

import hashlib

import pytest

from mlapi import serving
from mlapi.mirror.apply_changes import refresh_stored_config
from mlapi.training import scoring
from mlapi.training.load_check import loads_in_a_fresh_process
from registry.actions import project_settings
from registry.actions.tasks import TaskState
from registry.models import Feature, TaskScore
from tests.factories import ProjectFactory, mirror
from tests.mlapi.image_files import digits, inked_digits
from tests.mlapi.image_projects import (
    CONFIG,
    images_of,
    predict,
    project,
    put,
    server,
    small,
    train,
)

__all__ = ["project", "server"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("forked_trainings"),
]


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


@pytest.mark.parametrize("many", [100, pytest.param(1980, marks=pytest.mark.nightly)])
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


def test_unlabelled_images_are_scored_and_embedded_beforehand(server, project):
    addresses = small(server, project)

    assert scoring.score(project.champion_id) == 10

    assert TaskScore.objects.filter(version=project.champion, score__isnull=False).count() == 10
    before = len(server.requests)
    predict(project, list(enumerate(addresses, start=1)))
    assert len(server.requests) == before


@pytest.mark.nightly
def test_a_version_of_images_loads_in_a_fresh_process(server, project):
    small(server, project)
    server.files.clear()

    assert loads_in_a_fresh_process(project.champion)


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
