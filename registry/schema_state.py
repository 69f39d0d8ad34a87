"""Whether the database is that of this release: its migrations beside those of the code."""

from collections.abc import Iterable
from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from registry.errors import HttpError

_APP = "registry"


class DatabaseNewer(HttpError):
    """A later release has migrated the database, which this one would damage."""

    code = "database_newer"
    text = "The database is of a later release."


def require_not_newer() -> None:
    """Raises DatabaseNewer if the database has a migration that this release does not know."""
    applied = _names(MigrationRecorder(connection).applied_migrations())
    if unknown := sorted(applied - _own_migrations()):
        raise DatabaseNewer(f"The database is of a later release: it has {unknown[-1]}.")


@cache
def _own_migrations() -> frozenset[str]:
    return _names(MigrationLoader(None).disk_migrations or {})


def _names(migrations: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Those of the registry among migrations by app and name."""
    return frozenset(name for app, name in migrations if app == _APP)
