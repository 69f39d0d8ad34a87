"""GET /ready: 200 only if the backend can do its work, else the reason."""

import base64
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from mlapi.monitoring import readiness
from tests.factories import WorkerFactory
from tests.mlapi.caller import Caller


@pytest.mark.django_db
def test_it_is_ready_with_both_workers(call):
    WorkerFactory(cluster="events")
    WorkerFactory(cluster="training")
    answer = call.get("/ready")
    assert answer.status_code == 200
    assert set(answer.json()["workers"]) == {"events", "training"}


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["events", "training"])
def test_a_worker_without_a_recent_heartbeat_is_named(missing, call):
    for cluster in ("events", "training"):
        ago = timedelta(seconds=91 if cluster == missing else 0)
        WorkerFactory(cluster=cluster, heartbeat_at=timezone.now() - ago)
    answer = call.get("/ready")
    assert answer.status_code == 503
    assert missing in answer.reason_phrase


@pytest.mark.django_db
def test_without_a_key_it_answers_the_status_and_not_the_reason(anonymous_caller):
    WorkerFactory(cluster="training")
    answer = anonymous_caller.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == "Not ready."
    assert "events" not in answer.text + answer.reason_phrase
    WorkerFactory(cluster="events")
    answer = anonymous_caller.get("/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "READY"}


@pytest.mark.django_db
def test_wrong_credentials_are_refused_although_none_are_needed(anonymous_caller):
    assert Caller(f"/k/{'a' * 32}").get("/ready").status_code == 401
    assert anonymous_caller.get("/ready", authorization="Token no").status_code == 401
    basic = base64.b64encode(b"who:what").decode()
    assert anonymous_caller.get("/ready", authorization=f"Basic {basic}").status_code == 401


@pytest.mark.django_db
def test_a_migration_that_is_not_applied_is_named(call, monkeypatch):
    from django.db import connection

    monkeypatch.setattr(readiness, "_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'registry'")
    answer = call.get("/ready")
    assert answer.status_code == 503
    assert "manage.py migrate" in answer.reason_phrase


PROGRAM = """
import django, logging
django.setup()
logging.disable()
from django.test import Client
client = Client(raise_request_exception=False, headers={"host": "localhost"})
key = f"/k/{'a' * 32}"
for method, path in (
    ("get", f"{key}/health"),
    ("get", f"{key}/ready"),
    ("post", f"{key}/webhook"),
    ("get", "/ready"),
):
    answer = getattr(client, method)(path)
    print(answer.status_code, answer.reason_phrase)
"""


def test_without_a_database_ready_has_the_reason_and_health_is_up():
    """A process of its own, whose PostgreSQL is a port where nobody listens."""
    environment = {
        **os.environ,
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
        "DJANGO_SETTINGS_MODULE": "evals_backend.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    health, ready, webhook, without_key = done.stdout.splitlines()
    assert health == "200 OK"
    for reason in (ready, webhook):
        assert reason.startswith("503 The database does not answer. Start PostgreSQL")
    assert without_key.startswith("503 Not ready.")
