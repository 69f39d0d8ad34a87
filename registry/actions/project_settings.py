"""Actions on a project's settings: policy, options, promotion rule, error budget, connection."""

from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone

from registry import queue
from registry.engine import engine
from registry.errors import EvalsError, Refused
from registry.models import AuditEntry, Project
from registry.models.project import PromotionRule, default_policy

from . import base

# Labels, or seconds: a longer time would be more than a timedelta holds.
_POLICY_MAX = 1_000_000_000
URL_MAX = 500  # characters, as it is stored
KEY_MAX = 4_000  # of a personal access token some 250 are used


class InvalidSetting(EvalsError):
    """A value that a project's settings cannot take; nothing was changed."""

    code = "setting_invalid"


class HostnameUnknown(Refused):
    """Only a host that has claimed the project can be confirmed."""

    code = "hostname_unknown"


@transaction.atomic
def configure(
    project: Project,
    *,
    policy: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    promotion_rule: str | None = None,
    error_budget: float | None = None,
    actor: str,
    reason: str = "",
) -> Project:
    """Change how the project learns and promotes.

    Raises InvalidSetting, or what the engine says of the options.
    """
    current = base.lock(project)
    new: dict[str, Any] = {}
    if policy is not None:
        new["policy"] = checked_policy(policy)
    if options is not None:
        new["options"] = _set_only(engine().validate_options(current, options), options)
    if promotion_rule is not None:
        if promotion_rule not in PromotionRule.values:
            raise InvalidSetting(f"Promotion rule {promotion_rule!r} is not known.")
        new["promotion_rule"] = promotion_rule
    if error_budget is not None:
        is_number = isinstance(error_budget, int | float) and not isinstance(error_budget, bool)
        if not is_number or not 0 < error_budget < 1:
            raise InvalidSetting("The error budget must be a share between 0 and 1.")
        new["error_budget"] = float(error_budget)
    changed = {name: value for name, value in new.items() if getattr(current, name) != value}
    if changed:
        was = {name: getattr(current, name) for name in changed}
        base.update_row(project, changed | {"updated_at": timezone.now()})
        base.record(
            "configure",
            actor=actor,
            project=current,
            reason=reason,
            numbers={"from": was, "to": changed},
        )
        if "options" in changed:
            queue.process_events(project.pk)  # they may ask for another pipeline, and so for a run
    return project


def _set_only(checked: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """The options without defaults that were filled in, so that a later default applies to them."""
    return {n: v for n, v in checked.items() if options.get(n) is not None}


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
        if not isinstance(value, int if whole else int | float) or not 0 <= value <= _POLICY_MAX:
            kind = "whole number" if whole else "number"
            raise InvalidSetting(
                f"Policy setting {name} must be a {kind} from 0 to {_POLICY_MAX:,}."
            )
    return defaults | policy


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        names_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, or no number for a port
        return False
    names_more = any(c in "?#@\\" or c.isspace() or not c.isprintable() for c in url)
    return parts.scheme in {"http", "https"} and names_host and not names_more


@transaction.atomic
def set_credentials(
    project: Project, url: str, key: str, *, actor: str, reason: str = ""
) -> AuditEntry:
    """Set the URL and key of this project's Label Studio; both empty removes them.

    Where they are these already the key is encrypted anew, and the last check still counts.
    """
    url = url.strip().rstrip("/")
    key = key.strip()
    if bool(url) != bool(key):
        raise InvalidSetting(
            "URL and key are a pair.", hint="Give both; or neither, to take them away."
        )
    if url and not _is_web_address(url):
        raise InvalidSetting(
            "The URL must begin with http:// or https://, and name a host and at most a path.",
            hint="Leave out user, password and what follows a ? or #; the key is for the token.",
        )
    for name, text, most in (("URL", url, URL_MAX), ("key", key, KEY_MAX)):
        if len(text) > most:
            raise InvalidSetting(f"The {name} is longer than {most:,} characters.")
    current = base.lock(project)
    fields: dict[str, Any] = {
        "labelstudio_url": url,
        "labelstudio_key": key,
        "updated_at": timezone.now(),
    }
    if (url, key) != (current.labelstudio_url, current.labelstudio_key):
        fields |= {"connection": {}, "connection_checked_at": None}
    base.update_row(project, fields)
    return base.record(
        "set_credentials",
        actor=actor,
        project=current,
        reason=reason,
        numbers={"from": current.labelstudio_url, "to": url},
    )


@transaction.atomic
def confirm_hostname(
    project: Project, *, actor: str, reason: str = "", hostname: str | None = None
) -> AuditEntry:
    """Confirm the project's host, or move the project to the other host that sent a setup.

    A token belongs to the host that sent it: moving deletes it, and the next /setup of the new
    host brings its own.
    """
    current = base.lock(project)
    hostname = hostname or current.hostname
    if not hostname or hostname not in {current.hostname, current.other_hostname}:
        raise HostnameUnknown(f"No setup of {current} has come from that host.")
    fields: dict[str, Any] = {"hostname_confirmed": True, "updated_at": timezone.now()}
    if hostname != current.hostname:
        fields |= {"hostname": hostname, "setup_token": "", "knows_password": False}
    fields["other_hostname"] = ""
    base.update_row(project, fields)
    return base.record(
        "confirm_hostname",
        actor=actor,
        project=current,
        reason=reason,
        numbers={"from": current.hostname, "to": hostname},
    )
