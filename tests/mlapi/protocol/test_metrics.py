"""GET /metrics for a scraper: metrics of the database, and counters of the web processes."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ
from prometheus_client.parser import text_string_to_metric_families

from evals_backend import __version__
from registry.actions import champion, versions
from registry.actions import projects as project_actions
from registry.models import Event, TrainingRun
from tests.factories import (
    AccessKeyFactory,
    EventFactory,
    ModelVersionFactory,
    ProjectFactory,
    TrainingRunFactory,
    WorkerFactory,
)
from tests.mlapi.caller import Caller, queries

pytestmark = pytest.mark.django_db
NOW_S = 60  # what may pass between a row and its scrape


def scrape(call) -> dict[str, list]:
    """The samples by their names."""
    found: dict[str, list] = {}
    for family in text_string_to_metric_families(call.get("/metrics", accept="text/plain").text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def value(samples: list, **labels: str) -> float:
    """The value of the only sample that has these labels."""
    (found,) = [s.value for s in samples if labels.items() <= s.labels.items()]
    return found


def test_runs_are_counted_by_kind_and_state(call, project):
    TrainingRunFactory(project=project, state="failed")
    TrainingRunFactory(project=project, state="failed")
    TrainingRunFactory(project=project, state="cancelled")
    TrainingRunFactory(project=project)
    TrainingRunFactory(state="running")
    found = scrape(call)
    active, ended = found["evals_runs_active"], found["evals_runs_ended_total"]
    assert value(active, kind="training", state="queued") == 1
    assert value(active, kind="training", state="running") == 1
    assert value(active, kind="challenger", state="running") == 0
    assert value(ended, kind="training", state="failed") == 2
    assert value(ended, kind="training", state="cancelled") == 1
    assert value(ended, kind="training", state="succeeded") == 0


def test_the_seconds_of_runs_are_a_histogram_of_those_that_began(call, project):
    for seconds in (4, 40, 4_000):
        run = TrainingRunFactory(project=project, state="failed")
        ended = run.started_at + timedelta(seconds=seconds)
        TrainingRun.objects.filter(pk=run.pk).update(ended_at=ended)
    TrainingRunFactory(project=project, state="cancelled")  # before it began
    found = scrape(call)
    failed = {"kind": "training", "state": "failed"}
    buckets = found["evals_run_seconds_bucket"]
    assert [value(buckets, le=le, **failed) for le in ("5.0", "30.0", "60.0", "3600.0")] == [
        *(1, 1, 2, 2)
    ]
    assert value(buckets, le="+Inf", **failed) == 3
    assert value(found["evals_run_seconds_count"], **failed) == 3
    assert value(found["evals_run_seconds_sum"], **failed) == 4_044
    assert value(found["evals_run_seconds_count"], kind="training", state="cancelled") == 0


def test_jobs_are_those_that_wait_and_those_that_were_taken(call):
    later = timezone.now() + timedelta(hours=1)
    OrmQ.objects.create(key="events", payload="x", lock=timezone.now())
    OrmQ.objects.create(key="events", payload="x", lock=later)
    OrmQ.objects.create(key="events", payload="x", lock=later)
    jobs = scrape(call)["evals_queue_jobs"]
    assert value(jobs, cluster="events", state="waiting") == 1
    assert value(jobs, cluster="events", state="taken") == 2
    assert value(jobs, cluster="training", state="waiting") == 0


def test_the_age_is_that_of_the_oldest_event_that_is_not_applied(call, project):
    def age() -> float:
        return value(scrape(call)["evals_oldest_event_seconds"])

    EventFactory(project=project, status="applied")
    assert age() == 0
    for seconds in (100, 1_000):
        event = EventFactory(project=project)
        received = timezone.now() - timedelta(seconds=seconds)
        Event.objects.filter(pk=event.pk).update(received_at=received)
    assert 1_000 <= age() < 1_000 + NOW_S
    assert value(scrape(call)["evals_events_waiting"]) == 2


def test_the_seconds_since_each_workers_heartbeat_are_exposed(call):
    now = timezone.now()
    for hostname, seconds in (("a", 1), ("b", 1_000), ("gone", 3 * 86_400)):
        WorkerFactory(hostname=hostname, heartbeat_at=now - timedelta(seconds=seconds))
    WorkerFactory(cluster="training", hostname="c", heartbeat_at=now - timedelta(days=3))
    found = scrape(call)
    ages = {s.labels["hostname"]: s.value for s in found["evals_worker_heartbeat_age_seconds"]}
    assert set(ages) == {"a", "b", "c"}  # the newest of a cluster, however old
    assert 1_000 <= ages["b"] < 1_000 + NOW_S
    assert value(found["evals_workers_live"], cluster="events") == 1
    assert value(found["evals_workers_live"], cluster="training") == 0


def test_projects_that_are_not_reached_and_versions_that_do_not_load_are_named(call, project):
    project_actions.record_connection(project, {"ok": False, "failed": "token"})
    project_actions.record_connection(ProjectFactory(uid="7.7"), {"ok": True})
    ProjectFactory()  # never checked
    archived = ModelVersionFactory(project=project)
    serving = ModelVersionFactory(project=project, champion=True)
    versions.mark_load_failed(archived, "broken")
    versions.archive(archived, actor="tester")
    versions.mark_load_failed(serving, "broken")
    found = scrape(call)
    reached = {s.labels["project"]: s.value for s in found["evals_project_reached"]}
    assert reached == {project.uid: 0, "7.7": 1}
    (failed,) = found["evals_version_load_failed"]
    named = {"project": project.uid, "version": serving.label, "champion": "true"}
    assert failed.labels == named
    assert "evals_project_champion_lost" not in found
    champion.fall_back(project, serving, actor="serving", error="broken", loads=lambda _: False)
    (lost,) = scrape(call)["evals_project_champion_lost"]
    assert lost.labels == {"project": project.uid}


def test_projects_in_the_archive_are_left_out(call, project):
    project_actions.record_connection(project, {"ok": False, "failed": "token"})
    versions.mark_load_failed(ModelVersionFactory(project=project), "broken")
    of_projects = {"evals_project_reached", "evals_version_load_failed"}
    assert of_projects <= set(scrape(call))
    project_actions.archive(project, actor="tester")
    assert not of_projects & set(scrape(call))


def test_the_build_has_the_version(call):
    (build,) = scrape(call)["evals_build_info"]
    assert build.labels["version"] == __version__


def test_no_counter_has_the_time_when_it_began(call):
    call.get("/versions")
    assert [name for name in scrape(call) if name.endswith("_created")] == []


def test_a_scrape_takes_ten_queries_however_many_projects(call):
    for _ in range(3):
        version = ModelVersionFactory(champion=True)
        versions.mark_load_failed(version, "broken")
        project_actions.record_connection(version.project, {"ok": True})
    with queries(10):
        scrape(call)


def test_a_bound_key_reads_of_its_own_projects_only(project):
    report = {"ok": False, "failed": "token"}
    other = ProjectFactory()
    for one in (project, other):
        project_actions.record_connection(one, report)
        versions.mark_load_failed(ModelVersionFactory(project=one), "broken")
    found = scrape(Caller(f"/k/{AccessKeyFactory(project=project).plain}"))
    assert {s.labels["project"] for one in found.values() for s in one} == {project.uid}
    assert set(found) == {"evals_project_reached", "evals_version_load_failed"}
