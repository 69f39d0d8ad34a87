"""What the database tells of changes: all that requests depend on, and nothing of mere progress."""

import pytest
from django.db import connection, transaction
from django.utils import timezone

from registry import changes
from registry.actions import champion, keys, project_settings, projects, runs
from registry.models import AccessKey, Project
from tests.factories import AccessKeyFactory, ModelVersionFactory, ProjectFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told():
    """What has been told since the last call."""
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {changes.CHANNEL}")

    def since() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        notices = [notice.payload for notice in connection.connection.notifies]
        connection.connection.notifies.clear()
        return notices

    yield since
    with connection.cursor() as cursor:
        cursor.execute("UNLISTEN *")


def test_a_promotion_and_a_roll_back_are_told(told):
    first = ModelVersionFactory(champion=True)
    second = ModelVersionFactory(project=first.project)
    subject = changes.project_subject(first.project_id)
    told()
    champion.promote(second, actor="anna", reason="better")
    assert told() == [subject]
    champion.roll_back(first.project, actor="anna", reason="worse")
    assert told() == [subject]


def test_settings_config_and_setup_are_told(told):
    project = ProjectFactory()
    subject = changes.project_subject(project.pk)
    told()
    project_settings.configure(project, policy={"first_labels": 30}, actor="anna")
    assert told() == [subject]
    projects.set_config(project, "<View/>", fingerprint="f", pipeline="")
    assert told() == [subject]
    said = {"label_config": "", "hostname": "", "setup_token": "", "backend_url": ""}
    projects.upsert_from_setup(project.uid, projects.Setup(extra_params={"a": 1}, **said))
    assert told() == [subject]


def test_a_run_is_told_as_it_starts_and_ends_but_not_while_it_reports(told):
    project = ProjectFactory()
    subject = changes.project_subject(project.pk)
    told()
    run, _ = runs.start(project, trigger="admin", actor="anna", reason="now")
    assert told() == [subject]
    run = runs.claim(run.pk, "worker")
    assert told() == [subject]
    runs.set_details(run, parameters={"a": 1})
    assert told() == []
    runs.succeed(run)
    assert told() == [subject]


def test_a_key_that_is_revoked_or_deleted_is_told_but_not_its_use(told):
    key = AccessKeyFactory()
    told()
    keys.note_use(key)
    assert told() == []
    keys.revoke(key, actor="anna")
    assert told() == [changes.key_subject(key.pk)]
    AccessKey.objects.filter(pk=key.pk).delete()
    assert told() == [changes.key_subject(key.pk)]


def test_progress_is_not_told(told):
    project = ProjectFactory()
    told()
    now = timezone.now()
    Project.objects.update(labels_changed_at=now, scores_queued_at=now, threshold_reached_at=now)
    projects.request_sync(project, "a test")
    projects.mark_synced(project, sync_cursor_at=now)
    assert told() == []


def test_nothing_is_told_of_what_is_rolled_back(told):
    version = ModelVersionFactory()
    told()
    with pytest.raises(RuntimeError), transaction.atomic():
        champion.promote(version, actor="anna", reason="better")
        raise RuntimeError
    assert told() == []


def test_the_deletion_of_a_project_is_told(told):
    project = ProjectFactory()
    told()
    Project.objects.filter(pk=project.pk).delete()
    assert told() == [changes.project_subject(project.pk)]
