"""The groups, their permissions, and who may view what.

The permission that an action needs is named by the action (`registry.actions.operator`).
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Model

User = AbstractBaseUser | AnonymousUser

# What a token needs on Label Studio's routes: to read on them, and to do everything there that an
# access key without a scope does, which who may make keys could do anyway.
READ_ROUTES = "registry.view_project"
CALL_ROUTES = "registry.call_routes_project"

_READ = (
    "project",
    "task",
    "trainingrun",
    "modelversion",
    "target",
    "metric",
    "outcome",
    "event",
    "auditentry",
    "worker",
)
_LOOK = frozenset(f"registry.view_{model}" for model in _READ)
_LEAD = frozenset(
    {
        "registry.train_project",
        "registry.archive_project",
        "registry.roll_back_project",
        "registry.check_project",
        "registry.promote_modelversion",
        "registry.archive_modelversion",
        "registry.note_modelversion",
    }
)
_ADMIN = frozenset(
    {
        "registry.configure_project",
        "registry.connect_project",
        CALL_ROUTES,
        "registry.view_accesskey",
        "registry.add_accesskey",
        "registry.revoke_accesskey",
        "registry.view_webhook",
        "registry.add_webhook",
        "registry.manage_webhook",
        "registry.view_webhookdelivery",
    }
)
_ACCOUNTS = frozenset(
    f"{app}.{verb}_{model}"
    for app, model in (
        ("auth", "user"),
        ("auth", "group"),
        ("authtoken", "token"),
        ("authtoken", "tokenproxy"),
    )
    for verb in ("view", "add", "change", "delete")
)
# Jobs are only looked at: a schedule names a function to call, so adding one is running code.
_JOBS = frozenset(f"django_q.view_{model}" for model in ("ormq", "failure", "success", "schedule"))

# What a migration gives to each group. A group holds all that the one before it holds.
GROUPS = {
    "viewer": _LOOK,
    "lead": _LOOK | _LEAD,
    "admin": _LOOK | _LEAD | _ADMIN | _ACCOUNTS | _JOBS,
}

# Permissions whose rows a later migration renames, by today's name: what they are called when the
# groups are made.
_NAMED_BEFORE = {"registry.view_auditentry": "registry.view_act"}


def may_view(user: User, *models: type[Model]) -> bool:
    """Whether the user may look at rows of each of the models."""
    names = [f"{model._meta.app_label}.view_{model._meta.model_name}" for model in models]
    return all(user.has_perm(name) for name in names)  # type: ignore[union-attr]


def grant(apps: Any, schema_editor: Any = None) -> None:
    """For a migration: make the groups, and give each what GROUPS says; takes nothing away.

    What a group is to have of a model that a later migration adds, that migration grants.
    """
    _create_permissions(apps)
    fill_groups(apps.get_model("auth", "Group"), apps.get_model("auth", "Permission"))


def grant_later(*permissions: str) -> Callable[..., None]:
    """For a migration that brings these permissions: give them to the groups that GROUPS names.

    Nothing else is given: someone may have taken it away from a group meanwhile.
    """

    def grant_them(apps: Any, schema_editor: Any = None) -> None:
        _create_permissions(apps)
        found = apps.get_model("auth", "Permission").objects
        for group in apps.get_model("auth", "Group").objects.filter(name__in=GROUPS):
            for permission in set(permissions) & GROUPS[group.name]:
                app, codename = permission.split(".")
                group.permissions.add(*found.filter(content_type__app_label=app, codename=codename))

    return grant_them


def _create_permissions(apps: Any) -> None:
    """Make the permissions' rows, which Django makes after all migrations."""
    from django.contrib.auth.management import create_permissions

    for config in apps.get_app_configs():
        module = getattr(config, "models_module", None)
        config.models_module = True  # else a migration's app passes for one without models
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = module


def fill_groups(groups: Any, permissions: Any) -> None:
    """Make the groups, by these models, and give each the permissions of GROUPS that exist."""
    existing = {
        f"{p.content_type.app_label}.{p.codename}": p
        for p in permissions.objects.select_related("content_type")
    }
    for name, granted in GROUPS.items():
        group, _ = groups.objects.get_or_create(name=name)
        found = (existing.get(w) or existing.get(_NAMED_BEFORE.get(w, "")) for w in granted)
        group.permissions.add(*(permission for permission in found if permission))
