"""Compares the migrations that were applied to the database with those of this release."""

import pkgutil
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from registry.errors import HttpError

_APP = "registry"

Migrations = frozenset[tuple[str, str]]  # by app and name


class DatabaseNewer(HttpError):
    """A later release has migrated the database, which this one would damage."""

    code = "database_newer"
    text = "The database is of a later release."


def require_not_newer() -> None:
    """Raises DatabaseNewer if the database has a migration that this release does not know."""
    unknown = sorted(name for app, name in applied_migrations() - own_migrations() if app == _APP)
    if unknown:
        raise DatabaseNewer(f"The database is of a later release: it has {unknown[-1]}.")


def unapplied() -> list[tuple[str, str]]:
    """This release's migrations that were not applied yet, by app and name."""
    return sorted(own_migrations() - applied_migrations())


@cache
def own_migrations() -> Migrations:
    """This release's migrations of all apps, by the names of their modules.

    Django's own loader imports them, which takes 8 MB of each process that asks.
    """
    return frozenset(
        (app.label, module.name)
        for app in apps.get_app_configs()
        for module in _modules(*MigrationLoader.migrations_module(app.label))
        if module.name[0] not in "_~"
    )


def _modules(package: str | None, _explicit: bool) -> list[pkgutil.ModuleInfo]:
    if package is None or find_spec(package) is None:
        return []  # an app without a database of its own
    return list(pkgutil.iter_modules(import_module(package).__path__))


def applied_migrations() -> Migrations:
    """The migrations of all apps that were applied to the database."""
    return frozenset(MigrationRecorder(connection).applied_migrations())
