"""Actions on access keys: create, revoke, record the last use."""

import base64
import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from registry.errors import Refused
from registry.models import AccessKey, AuditEntry, Project

from . import base

_USE_IS_NOTED_EVERY = timedelta(minutes=1)


class KeyRevoked(Refused):
    """A key is revoked once."""

    code = "key_revoked"


def digest(plain: str) -> str:
    """SHA-256, hex. A plain hash suffices for 160 random bits: there is nothing to guess."""
    return hashlib.sha256(plain.encode()).hexdigest()


@transaction.atomic
def new_key(
    name: str, *, project: Project | None = None, hostname: str = "", actor: str, reason: str = ""
) -> tuple[AccessKey, str]:
    """Make a key; return it and the plain text, which is stored nowhere.

    The scope is one project, one Label Studio (`hostname`), or any when both are left out.
    """
    plain = base64.b32encode(secrets.token_bytes(20)).decode().lower()
    key = AccessKey.objects.create(
        name=name, digest=digest(plain), project=project, hostname=hostname.rstrip("/")
    )
    base.record(
        "new_key",
        actor=actor,
        project=project,
        reason=reason,
        numbers={"key": key.pk, "name": name, "hostname": key.hostname},
    )
    return key, plain


@transaction.atomic
def revoke(key: AccessKey, *, actor: str, reason: str = "") -> AuditEntry:
    """Revoke the key. Raises KeyRevoked if it is revoked already."""
    now = timezone.now()
    if not AccessKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=now):
        raise KeyRevoked(f"Access key {key.name} is revoked already.")
    key.revoked_at = now
    return base.record(
        "revoke_key",
        actor=actor,
        project=key.project,
        reason=reason,
        numbers={"key": key.pk, "name": key.name},
    )


def note_use(key: AccessKey) -> None:
    """Record the use of a key; at most one write a minute, else no query."""
    now = timezone.now()
    if key.last_used_at and key.last_used_at > now - _USE_IS_NOTED_EVERY:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - _USE_IS_NOTED_EVERY)
    AccessKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
    key.last_used_at = now
