"""/api/access-keys/."""

import pytest

from registry.actions import keys
from registry.models import AccessKey, AuditEntry
from tests import factories as make

from .conftest import AUTH_QUERIES, assert_queries, code


def test_a_key_is_in_one_response_only(admin, project):
    answer = admin.post("access-keys/", {"name": "Team A", "project": project.pk, "reason": "New."})
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    made = answer.json()
    assert made["url"].endswith(f"/k/{made['key']}")
    key = AccessKey.objects.get(pk=made["id"])
    assert key.digest == keys.digest(made["key"])
    assert key.project == project
    detail = admin.get(f"access-keys/{key.pk}/")
    for later in (detail, admin.get("access-keys/")):
        assert made["key"] not in later.content.decode()
        assert key.digest not in later.content.decode()
    entry = AuditEntry.objects.latest("id")
    assert (entry.verb, entry.actor, entry.reason) == ("new_key", "ada", "New.")
    assert made["key"] not in str(entry.numbers)


def test_a_key_opens_one_label_studio_or_everything(admin, db):
    one = admin.post("access-keys/", {"name": "a", "hostname": "http://ls:8080/"}).json()
    assert (one["hostname"], one["project"]) == ("http://ls:8080", None)
    everything = admin.post("access-keys/", {"name": "b"}).json()
    assert (everything["hostname"], everything["project"]) == ("", None)


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "x" * 101}, {"name": "\x00"}, {"name": "a", "project": 0}]
)
def test_a_key_needs_a_name_and_a_scope_that_exists(admin, db, body):
    assert code(admin.post("access-keys/", body)) == "input_invalid"
    assert not AccessKey.objects.exists()


def test_a_key_is_revoked_once_with_a_reason(admin, db):
    url = f"access-keys/{make.AccessKeyFactory().pk}/revoke/"
    assert code(admin.post(url)) == "input_invalid"
    assert admin.post(url, {"reason": "It leaked."}).json()["revoked_at"] is not None
    assert AuditEntry.objects.latest("id").reason == "It leaked."
    assert code(admin.post(url, {"reason": "Again."})) == "key_revoked"


def test_only_admins_see_and_make_keys(lead, viewer, db):
    key = make.AccessKeyFactory()
    for caller in (lead, viewer):
        assert code(caller.get("access-keys/")) == "permission_denied"
        assert code(caller.post("access-keys/", {"name": "mine"})) == "permission_denied"
        answer = caller.post(f"access-keys/{key.pk}/revoke/", {"reason": "r"})
        assert code(answer) == "permission_denied"
    assert AccessKey.objects.count() == 1


def test_keys_are_filtered_and_searched(admin, project):
    bound = make.AccessKeyFactory(name="Team A", project=project)
    gone = make.AccessKeyFactory(name="Team B")
    admin.post(f"access-keys/{gone.pk}/revoke/", {"reason": "r"})

    def ids(**query):
        return [row["id"] for row in admin.rows("access-keys/", query)]

    assert ids(project=project.pk) == [bound.pk]
    assert ids(revoked="true") == [gone.pk]
    assert ids(revoked="false") == [bound.pk]
    assert ids(search="team b") == [gone.pk]
    with assert_queries(AUTH_QUERIES + 1):
        ids()
