"""Whether the database is that of this release: its migrations beside those of the code."""

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


def require_known() -> None:
    """Raises DatabaseNewer if the database has a migration that this release does not know."""
    applied = {name for app, name in MigrationRecorder(connection).applied_migrations()
               if app == _APP}  # fmt: skip
    if unknown := sorted(applied - _known()):
        raise DatabaseNewer(f"The database is of a later release: it has {unknown[-1]}.")


@cache
def _known() -> frozenset[str]:
    migrations = MigrationLoader(None).disk_migrations or {}
    return frozenset(name for app, name in migrations if app == _APP)
