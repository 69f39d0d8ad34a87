"""Recognition of this backend among a project's ML backends, also behind a proxy."""

import pytest

from mlapi.mirror.own_urls import connected_backends
from registry.actions import keys
from tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db
BACKEND_URL = "http://proxy.example:9090"


class LabelStudioWithBackends:
    """A Label Studio with these ML backends."""

    def __init__(self, *urls: str) -> None:
        self._urls = urls

    def ml_backends(self, project_id: int) -> list[dict]:
        return [{"url": url} for url in self._urls]


def matching_urls(*urls: str) -> list[str]:
    project = ProjectFactory(backend_url=BACKEND_URL)
    return [
        backend["url"] for backend in connected_backends(LabelStudioWithBackends(*urls), project)
    ]


def test_the_url_of_the_last_setup_and_one_with_a_key_are_ours():
    _, key = keys.new_key("test", actor="test")
    elsewhere = f"https://elsewhere.example/k/{key}"
    assert matching_urls(BACKEND_URL, elsewhere, f"{BACKEND_URL}/b") == [BACKEND_URL, elsewhere]


def test_the_only_one_at_our_host_and_port_is_ours_whatever_its_path():
    assert matching_urls(f"{BACKEND_URL}/ml", "http://proxy.example:1/ml") == [f"{BACKEND_URL}/ml"]


def test_of_several_at_our_host_none_is_taken_for_ours():
    assert matching_urls(f"{BACKEND_URL}/a", f"{BACKEND_URL}/b") == []


def test_one_at_another_host_and_what_is_no_url_are_not_ours():
    assert matching_urls("http://127.0.0.1:1/ml") == matching_urls("http://[half") == []
