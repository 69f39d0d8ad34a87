"""Every page and route with much in the registry: few queries, and no table read as a whole.

A scaled-down `benchmarks/registry.py`: 10 projects instead of 200.
"""

import io

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
def seeded():
    call_command("seed_load", "--scale", "0.05", stdout=io.StringIO())
    benchmark.sizes.cache_clear()
    yield
    benchmark.sizes.cache_clear()


def test_the_load_has_the_rows_that_it_promises(seeded):
    counts = {m: m.objects.count() for m in (Project, ModelVersion, Metric, Outcome, Event)}
    assert counts[Project] == 10
    assert counts[ModelVersion] == 1_000
    assert counts[Metric] == 50_000
    assert counts[Outcome] >= 50_000
    assert counts[Event] == 50_000
    assert all(project.champion for project in Project.objects.select_related("champion"))


def test_a_database_with_projects_is_not_seeded():
    make.ProjectFactory()
    with pytest.raises(CommandError, match="could never be deleted"):
        call_command("seed_load", "--scale", "0.05")
    assert Project.objects.count() == 1


def test_every_page_and_route_takes_few_queries_and_reads_no_table_whole(client, seeded):
    user = User.objects.create_user("ada", is_staff=True)
    user.groups.add(Group.objects.get(name="admin"))  # a superuser's permissions cost no query
    client.force_login(user)
    wrong = []
    for url in registry_urls.urls():
        wrong += benchmark.cost(client, url, rounds=0).too_much(LIMITS)
    assert not wrong, "\n".join(wrong)
