"""Access keys: random, stored as a hash, scoped, revocable, their use noted sparingly."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from registry.actions import keys
from registry.actions.keys import KeyRevoked
from registry.models import AccessKey, AuditEntry
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_a_key_is_160_random_bits_and_only_its_hash_is_stored():
    key, plain = keys.new_key("k", actor="ada")
    assert re.fullmatch("[a-z2-7]{32}", plain)
    assert keys.new_key("k", actor="ada")[1] != plain
    with connection.cursor() as cursor:
        for table in ("registry_accesskey", "registry_auditentry"):
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s", [f"%{plain}%"])
            assert cursor.fetchone() == (0,)
    assert AccessKey.objects.get(digest=keys.digest(plain)) == key


def test_making_a_key_has_an_audit_entry():
    project = make.ProjectFactory()
    keys.new_key("k", project=project, actor="ada", reason="for the team")
    entry = AuditEntry.objects.get(verb="new_key")
    assert (entry.actor, entry.project, entry.reason) == ("ada", project, "for the team")


def test_a_revoked_key_is_not_revoked_again():
    key = make.AccessKeyFactory()
    keys.revoke(key, actor="ada", reason="r")
    with pytest.raises(KeyRevoked):
        keys.revoke(key, actor="ada", reason="r")


def test_use_is_written_at_most_once_a_minute(django_assert_num_queries):
    key = make.AccessKeyFactory()
    with django_assert_num_queries(1):
        keys.note_use(key)
    with django_assert_num_queries(0):
        keys.note_use(key)
    key.last_used_at = timezone.now() - timedelta(seconds=61)
    with django_assert_num_queries(1):
        keys.note_use(key)
