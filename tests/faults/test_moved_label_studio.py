"""A name of Label Studio that leads to another address than a moment ago."""

import socket
from collections.abc import Callable, Iterator

import pytest

from mlapi.labelstudio import task_pages
from mlapi.mirror import reading
from mlapi.mirror import sync as sync_module
from mlapi.mirror.sync import sync
from registry.actions import project_settings, projects
from registry.models import Project
from tests.e2e.labelstudio_project import config
from tests.mlapi.labelstudio_api import CUT, UID, LabelStudioAPI
from tests.mlapi.mirror.syncing import mirrored_tasks

pytestmark = pytest.mark.django_db
NAME = "labelstudio.test"


@pytest.fixture(autouse=True)
def pages_of_five(monkeypatch) -> None:
    monkeypatch.setattr(reading, "EXPORT_UP_TO", 0)
    monkeypatch.setattr(task_pages, "PAGE_SIZE", 5)
    monkeypatch.setattr(sync_module, "_CONNECTING_S", ())


@pytest.fixture
def set_address(monkeypatch) -> Callable[[str], None]:
    """Let the resolver give that address for the name from now on."""
    resolve, addresses = socket.getaddrinfo, {}
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **options: resolve(addresses.get(host, host), *rest, **options),
    )
    return lambda address: addresses.update({NAME: address, NAME.encode(): address})


def filled(api: LabelStudioAPI, word: str, number: int = 20) -> LabelStudioAPI:
    for i in range(number):
        api.add({"text": f"{word} {i}"}, "AB"[i % 2])
    return api


@pytest.fixture
def first(set_address) -> Iterator[LabelStudioAPI]:
    """The Label Studio to which the name leads at first."""
    with filled(LabelStudioAPI(config("A", "B")), "text") as api:
        set_address(api.address[0])
        yield api


@pytest.fixture
def second(first) -> Iterator[LabelStudioAPI]:
    """A Label Studio with other tasks at another address, at the same port."""
    address = ("127.0.0.2", int(first.url.rpartition(":")[2]))
    with filled(LabelStudioAPI(config("A", "B"), address=address), "text", 23) as api:
        yield api


@pytest.fixture
def connected_project(first) -> Project:
    project = projects.get_or_create(UID)
    url = f"http://{NAME}:{first.url.rpartition(':')[2]}"
    project_settings.set_credentials(project, url, "a-token", actor="test")
    return project


def texts(project: Project) -> dict[int, str]:
    return {pk: task.data["text"] for pk, task in mirrored_tasks(project).items()}


def texts_of(labelstudio_api: LabelStudioAPI) -> dict[int, str]:
    return {pk: task["data"]["text"] for pk, task in labelstudio_api.tasks.items()}


def after_call(api: LabelStudioAPI, path: str, number: int, action: Callable[[], None]) -> None:
    """Runs the action at that request of the path, and cuts the answer to it off."""
    calls = 0

    def gateway(call):
        nonlocal calls
        calls += call.path == path
        if calls != number or call.path != path:
            return None
        action()
        return CUT, b"["

    api.gateway = gateway


def test_one_that_moves_within_a_reading_is_read_to_its_end(
    connected_project, first, second, set_address
):
    after_call(first, "/api/tasks", 2, lambda: set_address("127.0.0.2"))
    report = sync(connected_project, "the first")
    report = report if report.ok else sync(connected_project, "again")
    assert report.ok
    assert texts(connected_project) == texts_of(second)
    assert second.calls


def test_one_that_moved_between_two_readings_is_read_at_its_new_address(
    connected_project, first, second, set_address
):
    assert sync(connected_project, "the first").ok
    set_address("127.0.0.2")
    assert sync(connected_project, "again").ok
    assert texts(connected_project) == texts_of(second)


def test_another_one_under_the_name_drops_nothing(connected_project, first, second, set_address):
    """The other Label Studio has another project of the same id, with another time of creation."""
    assert sync(connected_project, "the first").ok
    before = texts(connected_project)
    second.created = "2026-11-25T10:00:00.000000Z"
    for pk in list(second.tasks)[2:]:
        del second.tasks[pk]
    # Within a reading, after the project itself has been read at the first address.
    original = first.answer

    def answer(call):
        if call.path == "/api/tasks":
            set_address("127.0.0.2")
            return second.answer(call)
        return original(call)

    first.answer = answer
    report = sync(connected_project, "again")
    assert report.error["code"] == "labelstudio_project_mismatch"
    assert report.dropped == 0
    assert texts(connected_project).keys() == before.keys()
    first.answer = original
    set_address("127.0.0.1")
    assert sync(connected_project, "and again").ok
    assert texts(connected_project) == texts_of(first)
