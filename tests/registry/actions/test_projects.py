"""Projects: the fields from Label Studio, and the settings."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from registry.actions import project_settings, projects
from registry.actions.project_settings import HostnameUnknown, InvalidSetting
from registry.errors import EvalsError
from registry.models import AuditEntry, Project
from tests import factories as make

pytestmark = pytest.mark.django_db

SETUP = {
    "label_config": make.LABEL_CONFIG,
    "hostname": "http://localhost:8080",
    "setup_token": "a-token",
    "extra_params": None,
    "backend_url": "http://localhost:9090",
}


def setup(uid="7.1795420847", **fields):
    return projects.upsert_from_setup(uid, projects.Setup(**{**SETUP, **fields}))


def receive_config(project, config=make.LABEL_CONFIG, **changes):
    usual = {"title": "T", "fingerprint": "f1", "pipeline": "text_classification"}
    return projects.set_config(project, config, **{**usual, **changes})


def test_the_first_setup_makes_the_project():
    project, created, config_is_new = setup()
    assert (created, config_is_new) == (True, True)
    stored = Project.objects.get(uid="7.1795420847")
    assert (stored.hostname, stored.setup_token) == ("http://localhost:8080", "a-token")
    assert stored.labelstudio_id == 7


def test_a_label_config_is_reported_as_new_until_it_is_stored():
    project, _, _ = setup()
    assert setup()[1:] == (False, True)
    receive_config(project)
    assert setup()[1:] == (False, False)
    assert setup(label_config="<View/>")[1:] == (False, True)


def test_an_unchanged_setup_takes_one_query(django_assert_num_queries):
    make.ModelVersionFactory(project=setup()[0], champion=True)
    with django_assert_num_queries(1):
        project, _, _ = setup()
        assert project.served_version.startswith("v1-")


def test_a_setup_that_says_something_new_takes_two_queries(django_assert_num_queries):
    setup()
    with django_assert_num_queries(2):
        setup(extra_params={"a": 1}, setup_token="another")
    assert Project.objects.get().extra_params == {"a": 1}


@pytest.mark.parametrize("extra", [None, {}, {"a": [1]}, '{"a": 1}', "text", [1], 3, "nul \x00"])
def test_extra_params_of_any_kind_are_taken(extra):
    setup(extra_params=extra)
    setup(extra_params=extra)


def test_another_host_is_noted_and_moves_nothing():
    setup()
    setup(hostname="http://elsewhere", setup_token="its-token", backend_url="http://x")
    stored = Project.objects.get()
    assert (stored.hostname, stored.other_hostname) == ("http://localhost:8080", "http://elsewhere")
    assert stored.setup_token == "a-token"
    assert stored.backend_url == "http://localhost:9090"


def test_a_setup_without_a_hostname_brings_no_token():
    setup(hostname="")
    stored = Project.objects.get()
    assert (stored.hostname, stored.setup_token) == ("", "")
    setup()
    assert Project.objects.get().hostname == "http://localhost:8080"


def test_a_webhook_of_an_unseen_project_makes_it_and_a_setup_completes_it():
    made = projects.get_or_create("7.1795420847", title="Met")
    assert projects.get_or_create("7.1795420847", title="Other") == made
    project, created, config_is_new = setup()
    assert (project, created, config_is_new) == (made, False, True)
    assert Project.objects.get().title == "Met"


def test_other_targets_write_an_audit_entry_and_a_new_title_does_not():
    project = make.ProjectFactory(fingerprint="f1")
    assert not receive_config(project, fingerprint="f1", title="New title")
    assert not AuditEntry.objects.exists()
    assert receive_config(project, "<View/>", fingerprint="f2", title=None)
    assert AuditEntry.objects.get().numbers["from"] == "f1"
    stored = Project.objects.get()
    assert (stored.title, stored.label_config, stored.fingerprint) == ("New title", "<View/>", "f2")


def test_changed_settings_are_recorded_with_their_old_values():
    project = make.ProjectFactory()
    project_settings.configure(project, policy={"first_labels": 5}, actor="ada", reason="few")
    stored = Project.objects.get()
    assert stored.policy["first_labels"] == 5
    entry = AuditEntry.objects.get(verb="configure")
    assert entry.numbers["from"]["policy"]["first_labels"] == 20
    project_settings.configure(project, policy=stored.policy, actor="ada")
    assert AuditEntry.objects.count() == 1  # nothing changed, nothing was done


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": {"nonsense": 1}},
        {"policy": {"first_labels": "20"}},
        {"policy": {"first_labels": 2.5}},
        {"policy": {"changed_share": float("nan")}},
        {"policy": {"enabled": 1}},
        {"options": {"nonsense": 1}},
        {"promotion_rule": "sometimes"},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(changes):
    project = make.ProjectFactory()
    with pytest.raises(EvalsError):
        project_settings.configure(project, actor="ada", **changes)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://ls", ""),
        ("", "key"),
        ("ls:8080", "key"),
        ("file:///etc", "key"),
        ("http://[ls", "key"),
        ("http://ls:port", "key"),
        ("http://:8080", "key"),
        (f"http://{'l' * 500}", "key"),
        ("http://user:password@ls", "key"),
        ("http://ls/?next=/", "key"),
        ("http://ls/?", "key"),
        ("http://ls#", "key"),
        ("http://l s", "key"),
        ("http://ls/#top", "key"),
        ("http://l\ns", "key"),
        ("http://ls", "k" * 5_000),
    ],
)
def test_half_a_pair_or_a_url_that_is_none_is_refused(url, key):
    with pytest.raises(InvalidSetting):
        project_settings.set_credentials(make.ProjectFactory(), url, key, actor="ada")


def test_new_credentials_clear_the_last_check():
    project = make.ProjectFactory()
    projects.record_connection(project, {"ok": False, "steps": []})
    project_settings.set_credentials(project, "http://ls/", " key ", actor="ada")
    stored = Project.objects.get()
    assert (stored.labelstudio_url, stored.labelstudio_key) == ("http://ls", "key")
    assert (stored.connection, stored.connection_checked_at) == ({}, None)
    project_settings.set_credentials(project, "", "", actor="ada")
    assert Project.objects.get().labelstudio_key == ""


def test_the_same_credentials_again_leave_the_last_check():
    project = make.ProjectFactory()
    project_settings.set_credentials(project, "http://ls", "key", actor="ada")
    projects.record_connection(project, {"ok": True, "steps": []})
    project_settings.set_credentials(project, "http://ls/", "key", actor="ada")
    assert Project.objects.get().connection["ok"] is True


def test_confirming_the_pinned_host_keeps_its_token():
    project = setup()[0]
    project_settings.confirm_hostname(project, actor="ada", reason="it is ours")
    stored = Project.objects.get()
    assert (stored.hostname_confirmed, stored.setup_token) == (True, "a-token")


def test_moving_to_another_host_clears_the_secrets_of_the_first():
    project, _, _ = setup(with_password=True)
    assert Project.objects.get().knows_password
    setup(hostname="http://elsewhere")
    project_settings.confirm_hostname(project, actor="ada", hostname="http://elsewhere")
    stored = Project.objects.get()
    assert (stored.hostname, stored.setup_token) == ("http://elsewhere", "")
    assert not stored.knows_password


def test_a_host_that_never_called_is_not_confirmed():
    with pytest.raises(HostnameUnknown):
        project_settings.confirm_hostname(setup()[0], actor="ada", hostname="http://evil")


def test_a_sync_is_queued_once_until_it_begins(django_capture_on_commit_callbacks):
    project = make.ProjectFactory()
    with django_capture_on_commit_callbacks(execute=True):
        assert projects.request_sync(project, "setup")
        assert not projects.request_sync(project, "tick")
    assert OrmQ.objects.get().args() == (project.pk, "setup")
    projects.begin_sync(project)
    assert projects.request_sync(project, "tick")  # what it has read by now may change


def test_a_sync_that_waits_for_a_worker_is_not_queued_again(django_capture_on_commit_callbacks):
    project = make.ProjectFactory()
    with django_capture_on_commit_callbacks(execute=True):
        projects.request_sync(project, "setup")
    Project.objects.update(sync_queued_at=timezone.now() - timedelta(hours=1))
    with django_capture_on_commit_callbacks(execute=True):
        assert not projects.request_sync(project, "tick")
    assert OrmQ.objects.count() == 1


def test_syncs_that_wait_for_a_worker_are_looked_up_in_two_queries(
    django_capture_on_commit_callbacks, django_assert_num_queries
):
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(3):
            projects.request_sync(make.ProjectFactory(), "setup")
    with django_assert_num_queries(2), django_capture_on_commit_callbacks() as queued:
        projects.requeue_syncs()
    assert not queued
    OrmQ.objects.last().delete()
    with django_capture_on_commit_callbacks() as queued:
        projects.requeue_syncs()
    assert len(queued) == 1


def test_a_sync_that_was_lost_with_its_worker_is_queued_again():
    project = make.ProjectFactory()
    projects.request_sync(project, "setup")
    long_ago = timezone.now() - projects.SYNC_LOST_AFTER - timedelta(seconds=1)
    Project.objects.update(sync_queued_at=long_ago)
    assert projects.request_sync(project, "tick")


def test_how_far_the_mirror_has_come_never_goes_back():
    project = make.ProjectFactory()
    now = timezone.now()
    projects.mark_synced(project, sync_cursor_at=now)
    projects.mark_synced(project, sync_cursor_at=now - timedelta(hours=1))
    projects.mark_synced(project)
    assert project.sync_cursor_at == now
