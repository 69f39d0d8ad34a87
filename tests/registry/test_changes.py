"""The database's notifications: of each change that requests depend on, and of no mere progress."""

import threading
from contextlib import closing
from importlib import import_module

import psycopg2
import pytest
from django.db import connection, transaction
from django.utils import timezone

from registry import changes
from registry.actions import champion, keys, project_settings, projects, run_starts, runs
from registry.models import AccessKey, Project
from tests.factories import AccessKeyFactory, ModelVersionFactory, ProjectFactory
from tests.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def notices():
    """The notifications since the last call."""
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {changes.CHANNEL}")

    def since() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        payloads = [notice.payload for notice in connection.connection.notifies]
        connection.connection.notifies.clear()
        return payloads

    yield since
    with connection.cursor() as cursor:
        cursor.execute("UNLISTEN *")


def test_a_promotion_and_a_roll_back_notify(notices):
    first = ModelVersionFactory(champion=True)
    second = ModelVersionFactory(project=first.project)
    subject = changes.project_subject(first.project_id)
    notices()
    champion.promote(second, actor="anna", reason="better")
    assert notices() == [subject]
    champion.roll_back(first.project, actor="anna", reason="worse")
    assert notices() == [subject]


def test_settings_config_and_setup_notify(notices):
    project = ProjectFactory()
    subject = changes.project_subject(project.pk)
    notices()
    project_settings.configure(project, policy={"first_labels": 30}, actor="anna")
    assert notices() == [subject]
    projects.set_config(project, "<View/>", fingerprint="f", pipeline="")
    assert notices() == [subject]
    others = {"label_config": "", "hostname": "", "setup_token": "", "backend_url": ""}
    projects.upsert_from_setup(project.uid, projects.Setup(extra_params={"a": 1}, **others))
    assert notices() == [subject]


def test_a_run_notifies_as_it_starts_and_ends_but_not_while_it_reports(notices):
    project = ProjectFactory()
    subject = changes.project_subject(project.pk)
    notices()
    run, _ = run_starts.start(project, trigger="admin", actor="anna", reason="now")
    assert notices() == [subject]
    run = runs.claim(run.pk, "worker")
    assert notices() == [subject]
    runs.set_details(run, parameters={"a": 1})
    assert notices() == []
    runs.succeed(run)
    assert notices() == [subject]


def test_a_revoked_or_deleted_key_notifies_but_its_use_does_not(notices):
    key = AccessKeyFactory()
    notices()
    keys.note_use(key)
    assert notices() == []
    keys.revoke(key, actor="anna")
    assert notices() == [changes.key_subject(key.pk)]
    AccessKey.objects.filter(pk=key.pk).delete()
    assert notices() == [changes.key_subject(key.pk)]


def test_progress_does_not_notify(notices):
    project = ProjectFactory()
    notices()
    now = timezone.now()
    Project.objects.update(labels_changed_at=now, scores_queued_at=now, threshold_reached_at=now)
    projects.request_sync(project, "a test")
    projects.mark_synced(project, sync_cursor_at=now)
    assert notices() == []


def test_a_rolled_back_change_sends_no_notification(notices):
    version = ModelVersionFactory()
    notices()
    with pytest.raises(RuntimeError), transaction.atomic():
        champion.promote(version, actor="anna", reason="better")
        raise RuntimeError
    assert notices() == []


def test_the_deletion_of_a_project_notifies(notices):
    project = ProjectFactory()
    notices()
    Project.objects.filter(pk=project.pk).delete()
    assert notices() == [changes.project_subject(project.pk)]


def test_the_rename_of_the_triggers_is_undone_and_skips_what_it_has_done(notices):
    operations = import_module("registry.migrations.0049_notify_names").Migration.operations
    version, names = ModelVersionFactory(), _notifying()
    notices()
    for operation in operations:
        _apply(operation.database_backwards)
    assert _notifying().isdisjoint(names)
    for operation in [*operations, *operations]:  # the second time as after an interruption
        _apply(operation.database_forwards)
    assert _notifying() == names
    champion.promote(version, actor="anna", reason="better")
    assert notices() == [changes.project_subject(version.project_id)]


def test_the_rename_waits_for_a_long_reader_and_nobody_waits_long_behind_it():
    """A backup reads every table to its end, and a server may run beside the migration."""
    migration = import_module("registry.migrations.0049_notify_names")
    operation = migration.Migration.operations[0]
    names = _notifying()

    between: list[set[tuple[str, str]]] = []

    def rename() -> None:
        try:
            _apply(operation.database_backwards)
            between.append(_notifying())
            _apply(operation.database_forwards)
        finally:
            connection.close()

    renaming = threading.Thread(target=rename, daemon=True)
    with closing(psycopg2.connect(**connection.get_connection_params())) as reader:
        reader.cursor().execute("SELECT count(*) FROM registry_project")
        try:
            renaming.start()
            assert eventually(_project_is_waited_for)
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '60s'")  # else it waits for the reader
                cursor.execute("SELECT count(*) FROM registry_project")
            assert renaming.is_alive()
        finally:
            reader.rollback()
            renaming.join(PATIENCE_S)
    assert not renaming.is_alive()
    assert len(between) == 1
    assert between[0] != names
    assert _notifying() == names


def _project_is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE NOT granted AND relation = 'registry_project'::regclass"
            " AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def _apply(move) -> None:
    with connection.schema_editor(atomic=False) as editor:
        move("registry", editor, None, None)


def _notifying() -> set[tuple[str, str]]:
    """The triggers that notify, each with its function."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, proname FROM pg_trigger JOIN pg_proc f ON f.oid = tgfoid"
            " WHERE prosrc LIKE '%pg_notify%'"
        )
        return set(cursor.fetchall())
