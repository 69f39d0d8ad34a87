"""Every page and route with much in the registry: few queries, and no table read as a whole.

A scaled-down `benchmarks/registry.py`: 10 projects instead of 200 nightly, and by day 2, with one
URL of each kind.
"""

import io
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from benchmarks import registry as benchmark
from benchmarks import registry_urls
from registry.models import Event, Metric, ModelVersion, Outcome, Project
from tests import factories as make

pytestmark = pytest.mark.django_db

# A project has up to a third of these events, and a page of it may read them. Of a table with
# fewer rows PostgreSQL rightly reads all: those are left to the benchmark.
LIMITS = benchmark.Limits(big=20_000, share=0.6)


@pytest.fixture
def seed_load():
    """`seed_load(projects)`: makes the load, with so many projects of 200."""

    def seed(projects: int) -> None:
        call_command("seed_load", "--scale", str(projects / 200), stdout=io.StringIO())
        benchmark.sizes.cache_clear()

    yield seed
    benchmark.sizes.cache_clear()


def test_a_database_with_projects_is_not_seeded():
    make.ProjectFactory()
    with pytest.raises(CommandError, match="could never be deleted"):
        call_command("seed_load", "--scale", "0.05")
    assert Project.objects.count() == 1


def test_every_page_and_route_takes_few_queries(client, seed_load):
    assert not excesses(client, seed_load, 2, plans=False, urls=one_of_each_kind)


@pytest.mark.nightly
def test_no_page_and_no_route_reads_a_table_whole(client, seed_load):
    assert not excesses(client, seed_load, 10, plans=True, urls=registry_urls.urls)


def one_of_each_kind() -> Iterator[str]:
    """The first of the URLs with the same path and parameters, such as a list in each order."""
    found = set()
    for url in registry_urls.urls():
        parts = urlsplit(url)
        names = frozenset(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
        if (parts.path, names) not in found:
            found.add((parts.path, names))
            yield url


def excesses(client, seed_load, projects: int, plans: bool, urls) -> str:
    """The excessive costs of pages and routes with so many projects, one line each."""
    seed_load(projects)
    counts = {m: m.objects.count() for m in (Project, ModelVersion, Metric, Outcome, Event)}
    assert counts[Project] == projects
    assert counts[ModelVersion] == 100 * projects
    assert counts[Metric] == 5_000 * projects
    assert counts[Outcome] >= 5_000 * projects
    assert counts[Event] == 5_000 * projects
    assert all(project.champion for project in Project.objects.select_related("champion"))
    user = User.objects.create_user("ada", is_staff=True)
    user.groups.add(Group.objects.get(name="admin"))  # a superuser's permissions cost no query
    client.force_login(user)
    wrong = []
    for url in urls():
        wrong += benchmark.cost(client, url, rounds=0, plans=plans).too_much(LIMITS)
    return "\n".join(wrong)
