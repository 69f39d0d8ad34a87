"""Says who may do what: the groups, and the permission that each act needs.

The admin, REST and the command line's groups all ask here. Whether an object's state allows an
act is another question, which `registry.possible` answers; `may` asks both.
"""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Model

from registry.possible import possible

User = AbstractBaseUser | AnonymousUser

# The name of an act is that of its function in registry.acts, or of its button.
PERMISSION_OF = {
    "train": "registry.train_project",
    "cancel": "registry.train_project",
    "retry": "registry.train_project",
    "promote": "registry.promote_modelversion",
    "clear_load_failure": "registry.promote_modelversion",
    "roll_back": "registry.roll_back_project",
    "archive": "registry.archive_modelversion",
    "unarchive": "registry.archive_modelversion",
    "note": "registry.note_modelversion",
    "check_connection": "registry.check_project",
    "configure": "registry.configure_project",
    "set_credentials": "registry.connect_project",
    "confirm_hostname": "registry.connect_project",
    "new_key": "registry.add_accesskey",
    "revoke_key": "registry.revoke_accesskey",
}

_READ = (
    "project",
    "task",
    "trainingrun",
    "modelversion",
    "target",
    "metric",
    "outcome",
    "event",
    "act",
    "worker",
)
_LOOK = frozenset(f"registry.view_{model}" for model in _READ)
_LEAD = frozenset(
    PERMISSION_OF[act]
    for act in (
        *("train", "cancel", "retry", "promote", "clear_load_failure", "roll_back"),
        *("archive", "unarchive", "note", "check_connection"),
    )
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
    "admin": (
        _LOOK | frozenset(PERMISSION_OF.values()) | {"registry.view_accesskey"} | _ACCOUNTS | _JOBS
    ),
}


def allowed(user: User, act: str) -> bool:
    """Whether the user may do acts of this name at all. A KeyError is an act without a rule."""
    return user.has_perm(PERMISSION_OF[act])  # type: ignore[union-attr]


def may(user: User, act: str, shown: Model | None = None) -> bool:
    """Whether to offer the act: the user is allowed it, and the object's state has room for it.

    To refuse a call ask `allowed` alone, and let the act itself say why its time is not now.
    """
    return allowed(user, act) and (shown is None or possible(act, shown))


def may_view(user: User, model: type[Model]) -> bool:
    """Whether the user may look at rows of the model."""
    meta = model._meta
    return user.has_perm(f"{meta.app_label}.view_{meta.model_name}")  # type: ignore[union-attr]


def grant(apps: Any, schema_editor: Any = None) -> None:
    """For a migration: make the groups, and give each what GROUPS says; takes nothing away.

    Django makes the rows of permissions after all migrations, so they are made here first.
    What a group is to have of a model that a later migration adds, that migration grants.
    """
    from django.contrib.auth.management import create_permissions

    for config in apps.get_app_configs():
        config.models_module = True  # else it passes for an app without models
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = None
    fill_groups(apps.get_model("auth", "Group"), apps.get_model("auth", "Permission"))


def fill_groups(groups: Any, permissions: Any) -> None:
    """Make the groups, by these models, and give each the permissions of GROUPS that exist."""
    existing = {
        f"{p.content_type.app_label}.{p.codename}": p
        for p in permissions.objects.select_related("content_type")
    }
    for name, wanted in GROUPS.items():
        group, _ = groups.objects.get_or_create(name=name)
        group.permissions.add(*(existing[w] for w in wanted if w in existing))
