"""The credentials for each address. Nothing is sent here."""

import pytest

from mlapi.labelstudio.credentials import candidates, no_credentials, uid_of
from registry.models import Project


@pytest.fixture(autouse=True)
def no_configured_credentials(settings) -> None:
    settings.LABEL_STUDIO_URL = ""
    settings.LABEL_STUDIO_API_KEY = ""
    settings.LABEL_STUDIO_HOSTS = []
    settings.HOST = "0.0.0.0"


def project(**fields) -> Project:
    return Project(uid="1.1795000000", **fields)


def project_of_setup(hostname: str, **fields) -> Project:
    return project(hostname=hostname, setup_token="from-setup", **fields)


def pairs(p: Project) -> list[tuple[str, str, str]]:
    return [(c.url, c.key, c.source) for c in candidates(p)]


def test_the_projects_own_pair_comes_first_then_the_environments_then_setups(settings):
    settings.LABEL_STUDIO_URL = "http://ls.example"
    settings.LABEL_STUDIO_API_KEY = "from-env"
    p = project_of_setup(
        "http://ls.example", labelstudio_url="http://own.example", labelstudio_key="own"
    )
    assert pairs(p) == [
        ("http://own.example", "own", "project"),
        ("http://ls.example", "from-env", "environment"),
        ("http://ls.example", "from-setup", "setup"),
    ]


@pytest.mark.parametrize(
    "half", [{"labelstudio_url": "http://own.example"}, {"labelstudio_key": "own"}]
)
def test_half_a_pair_is_never_completed_from_another(settings, half):
    settings.LABEL_STUDIO_URL = "http://ls.example"
    assert pairs(project(**half)) == []
    settings.LABEL_STUDIO_API_KEY = "from-env"
    assert pairs(project(**half)) == [("http://ls.example", "from-env", "environment")]


def test_a_token_from_setup_is_sent_to_no_host_that_only_setup_named():
    p = project_of_setup("http://attacker.example")
    assert not candidates(p)
    assert "http://attacker.example" in no_credentials(p).message


def test_the_environments_key_is_not_sent_to_the_host_that_setup_named(settings):
    settings.LABEL_STUDIO_URL = "http://ls.example"
    settings.LABEL_STUDIO_API_KEY = "from-env"
    p = project_of_setup("http://attacker.example")
    assert pairs(p) == [("http://ls.example", "from-env", "environment")]


@pytest.mark.parametrize(
    ("hostname", "url", "trusted"),
    [
        ("http://ls.example", "http://ls.example/", True),
        ("http://LS.example:80", "http://ls.example", True),
        ("https://ls.example", "http://ls.example", False),
        ("http://ls.example:8080", "http://ls.example", False),
        ("http://ls.example.attacker.example", "http://ls.example", False),
        ("http://ls.example@attacker.example", "http://ls.example", False),
    ],
)
def test_setups_host_is_trusted_if_it_is_the_environments(settings, hostname, url, trusted):
    settings.LABEL_STUDIO_URL = url
    assert bool(candidates(project_of_setup(hostname))) is trusted


@pytest.mark.parametrize(
    ("hostname", "listed", "trusted"),
    [
        ("http://ls.example:8080", "ls.example", True),
        ("http://ls.example:8080", "ls.example:8080", True),
        ("http://ls.example:8080", "ls.example:9090", False),
        ("http://ls.example:8080", "http://ls.example:8080", True),
        ("http://ls.example:8080", "https://ls.example:8080", False),
        ("http://evil-ls.example", "ls.example", False),
    ],
)
def test_setups_host_is_trusted_if_it_is_listed(settings, hostname, listed, trusted):
    settings.LABEL_STUDIO_HOSTS = [listed]
    assert bool(candidates(project_of_setup(hostname))) is trusted


@pytest.mark.parametrize(
    ("hostname", "host", "trusted"),
    [
        ("http://localhost:8080", "127.0.0.1", True),
        ("http://127.0.0.1:8080", "localhost", True),
        ("http://[::1]:8080", "127.0.0.1", True),
        ("http://localhost:8080", "0.0.0.0", False),
        ("http://192.168.1.5:8080", "127.0.0.1", False),
        ("http://localhost.attacker.example", "127.0.0.1", False),
    ],
)
def test_a_loopback_label_studio_is_trusted_while_we_serve_the_loopback_only(
    settings, hostname, host, trusted
):
    settings.HOST = host
    assert bool(candidates(project_of_setup(hostname))) is trusted


def test_a_host_that_someone_confirmed_is_trusted():
    (pair,) = candidates(project_of_setup("http://ls.example", hostname_confirmed=True))
    assert pair.key == "from-setup"


def test_a_pair_does_not_print_its_key():
    p = project(labelstudio_url="http://own.example", labelstudio_key="s3cret")
    assert "s3cret" not in repr(candidates(p))


def test_the_uid_is_the_one_that_label_studio_sends_with_setup():
    found = {"id": 12, "created_at": "2026-11-23T16:50:57.984863Z"}
    assert uid_of(found) == "12.1795452657"
