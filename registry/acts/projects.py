"""Acts on a project: what Label Studio says of it, how it learns, how Label Studio is reached."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Greatest
from django.utils import timezone

from registry import queue
from registry.engine import engine
from registry.errors import EvalsError, Refused
from registry.jsonb import storable
from registry.models import Project
from registry.models.project import PromotionRule, default_policy

from . import base

# A sync that was asked for so long ago was lost with its worker; it may be asked for again.
SYNC_LOST_AFTER = timedelta(minutes=30)


class InvalidSetting(EvalsError):
    """A value that a project's settings cannot take; nothing was changed."""

    code = "setting_invalid"
    status = 400


class HostnameUnknown(Refused):
    """Only a host that has claimed the project can be confirmed."""

    code = "hostname_unknown"
    hint = "Connect the backend from that Label Studio first, so that its /setup names the host."


def remember(
    uid: str,
    *,
    label_config: str,
    hostname: str,
    setup_token: str,
    extra_params: Any,
    backend_url: str,
) -> tuple[Project, bool, bool]:
    """Take in a /setup; return the project, whether it is new, and whether its config is news.

    One query when nothing changed, two for a change or a new project. The label
    config itself is stored by `set_config` alone, together with the fingerprint and the
    pipeline that belong to it, so it stays news until someone has taken it in. The first
    hostname is pinned; another one is only noted, and nothing else of its request is kept:
    its token belongs to a host that no one has vouched for.
    """
    hostname = storable(hostname).rstrip("/")[:500]
    told = {"extra_params": storable(extra_params), "backend_url": backend_url[:500]}
    if hostname:
        told |= {"hostname": hostname, "setup_token": storable(setup_token)}
    project = Project.objects.select_related("champion").filter(uid=uid).first()
    created = False
    if project is None:
        project, created = _insert(uid, **told)
    if project.hostname and hostname and hostname != project.hostname:
        _store(project, other_hostname=hostname)
        return project, False, False
    _store(project, **told)
    return project, created, bool(label_config) and storable(label_config) != project.label_config


def meet(uid: str, *, title: str = "") -> Project:
    """The project of a webhook, made if no /setup has named it yet."""
    project = Project.objects.select_related("champion").filter(uid=uid).first()
    return project or _insert(uid, title=storable(title)[:500])[0]


def _insert(uid: str, **fields: Any) -> tuple[Project, bool]:
    """Insert the project unless another request just did; one of the two is told that it is new."""
    fresh = Project(uid=uid, **fields)
    try:
        with transaction.atomic():
            fresh.save(force_insert=True)
    except IntegrityError:
        return Project.objects.select_related("champion").get(uid=uid), False
    return fresh, True


def _store(project: Project, **fields: Any) -> None:
    """Write those fields that differ, on the row and on the instance.

    Only while the pinned hostname is still the one that was read: of two first setups
    from two hosts, one pins, and the other comes again.
    """
    changed = {name: value for name, value in fields.items() if getattr(project, name) != value}
    if not changed:
        return
    rows = Project.objects.filter(pk=project.pk, hostname=project.hostname)
    if rows.update(**changed, updated_at=timezone.now()):
        for name, value in changed.items():
            setattr(project, name, value)


@transaction.atomic
def set_config(
    project: Project,
    label_config: str,
    *,
    title: str | None = None,
    fingerprint: str,
    pipeline: str,
    unserved_reason: str = "",
) -> bool:
    """Store a label config with what it amounts to; True if its targets or labels are others."""
    current = base.lock(project)
    before = current.fingerprint
    fields = {
        "label_config": storable(label_config),
        "fingerprint": fingerprint,
        "pipeline": pipeline,
        "unserved_reason": storable(unserved_reason),
    }
    if title is not None:
        fields["title"] = storable(title)[:500]
    Project.objects.filter(pk=project.pk).update(**fields, updated_at=timezone.now())
    for name, value in fields.items():
        setattr(project, name, value)
    if before and before != fingerprint:
        base.record(
            "config_changed",
            actor="labelstudio",
            project=project,
            reason=unserved_reason,
            numbers={"from": before, "to": fingerprint, "pipeline": pipeline},
        )
    return before != fingerprint


@transaction.atomic
def configure(
    project: Project,
    *,
    policy: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    promotion_rule: str | None = None,
    actor: str,
    reason: str = "",
) -> Project:
    """Change how the project learns and promotes.

    Raises InvalidSetting, or what the engine says of the options.
    """
    current = base.lock(project)
    wanted: dict[str, Any] = {}
    if policy is not None:
        wanted["policy"] = checked_policy(policy)
    if options is not None:
        wanted["options"] = engine().validate_options(current, options)
    if promotion_rule is not None:
        if promotion_rule not in PromotionRule.values:
            raise InvalidSetting(f"Promotion rule {promotion_rule!r} is not known.")
        wanted["promotion_rule"] = promotion_rule
    changed = {name: new for name, new in wanted.items() if getattr(current, name) != new}
    if changed:
        was = {name: getattr(current, name) for name in changed}
        Project.objects.filter(pk=project.pk).update(**changed, updated_at=timezone.now())
        base.record(
            "configure",
            actor=actor,
            project=current,
            reason=reason,
            numbers={"from": was, "to": changed},
        )
    for name, value in changed.items():
        setattr(project, name, value)
    return project


def checked_policy(policy: dict[str, Any]) -> dict[str, Any]:
    """The policy with defaults filled in. Raises InvalidSetting naming the value that is wrong."""
    defaults = default_policy()
    unknown = sorted(set(policy) - set(defaults))
    if unknown:
        raise InvalidSetting(
            f"Policy has no setting {', '.join(unknown)}.", hint=f"It has {', '.join(defaults)}."
        )
    for name, value in policy.items():
        if isinstance(defaults[name], bool) != isinstance(value, bool):
            raise InvalidSetting(f"Policy setting {name} is {value!r}: a wrong type.")
        if isinstance(value, bool):
            continue
        whole = isinstance(defaults[name], int) and not name.endswith("_s")
        if not isinstance(value, int if whole else int | float) or not value >= 0:
            kind = "whole number" if whole else "number"
            raise InvalidSetting(f"Policy setting {name} must be a {kind} of at least 0.")
    return defaults | policy


@transaction.atomic
def set_credentials(project: Project, url: str, key: str, *, actor: str, reason: str = "") -> None:
    """Set the pair with which this project's Label Studio is called; both empty takes it away."""
    url = url.strip().rstrip("/")
    key = key.strip()
    if bool(url) != bool(key):
        raise InvalidSetting(
            "URL and key are a pair.", hint="Give both; or neither, to take them away."
        )
    if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc):
        raise InvalidSetting("The URL must begin with http:// or https:// and name a host.")
    current = base.lock(project)
    fields = {
        "labelstudio_url": url,
        "labelstudio_key": key,
        "connection": {},
        "connection_checked_at": None,
    }
    Project.objects.filter(pk=project.pk).update(**fields, updated_at=timezone.now())
    base.record(
        "set_credentials",
        actor=actor,
        project=current,
        reason=reason,
        numbers={"from": current.labelstudio_url, "to": url},
    )
    for name, value in fields.items():
        setattr(project, name, value)


@transaction.atomic
def confirm_hostname(
    project: Project, *, actor: str, reason: str = "", hostname: str | None = None
) -> None:
    """Vouch for the pinned host, or move the project to the other host that claimed it.

    A token belongs to the host that sent it: moving forgets it, and the next /setup of
    the new host brings its own.
    """
    current = base.lock(project)
    hostname = hostname or current.hostname
    if not hostname or hostname not in {current.hostname, current.other_hostname}:
        raise HostnameUnknown(f"No setup of {current} has come from that host.")
    fields: dict[str, Any] = {"hostname_confirmed": True}
    if hostname != current.hostname:
        fields |= {"hostname": hostname, "setup_token": ""}
    fields["other_hostname"] = ""
    Project.objects.filter(pk=project.pk).update(**fields, updated_at=timezone.now())
    base.record(
        "confirm_hostname",
        actor=actor,
        project=current,
        reason=reason,
        numbers={"from": current.hostname, "to": hostname},
    )
    for name, value in fields.items():
        setattr(project, name, value)


def record_connection(project: Project, report: dict[str, Any]) -> None:
    """Keep the report of a connection check."""
    fields = {"connection": storable(report), "connection_checked_at": timezone.now()}
    Project.objects.filter(pk=project.pk).update(**fields)
    for name, value in fields.items():
        setattr(project, name, value)


def request_sync(project: Project, reason: str) -> bool:
    """Queue a sync unless one is waiting already; True if it was queued."""
    now = timezone.now()
    with transaction.atomic():
        waiting = Q(sync_queued_at__isnull=False, sync_queued_at__gt=now - SYNC_LOST_AFTER)
        asked = Project.objects.filter(pk=project.pk).exclude(waiting).update(sync_queued_at=now)
        if asked:
            queue.sync(project.pk, reason)
    return bool(asked)


def mark_synced(project: Project, *, seen_updated_at: datetime | None = None) -> None:
    """The mirror is as Label Studio was; the next sync reads on from `seen_updated_at`."""
    fields: dict[str, Any] = {"synced_at": timezone.now(), "sync_queued_at": None}
    if seen_updated_at is not None:
        fields["seen_updated_at"] = Greatest("seen_updated_at", seen_updated_at)
    Project.objects.filter(pk=project.pk).update(**fields)
    project.refresh_from_db(fields=["synced_at", "sync_queued_at", "seen_updated_at"])


def mark_sync_failed(project: Project) -> None:
    """The sync ended without success; another may be queued at once."""
    Project.objects.filter(pk=project.pk).update(sync_queued_at=None)
    project.sync_queued_at = None


def mark_threshold(project: Project, reached_at: datetime | None) -> None:
    """Since when the policy wants to train and waits for quiet; None: it does not."""
    Project.objects.filter(pk=project.pk).update(threshold_reached_at=reached_at)
    project.threshold_reached_at = reached_at
