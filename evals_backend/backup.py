"""A backup in one file: the database, the artifacts that it names, and on request the keys.

The file is a tar: `manifest.json`, `database.dump` (pg_dump's custom format), `artifacts/<key>`,
and perhaps `secrets.json`. The database is dumped in the snapshot in which the artifacts' names are
read; artifacts are never changed or deleted, so a backup of a running server is consistent.
"""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from evals_backend import postgres_tools
from registry import artifacts, schema_state
from registry.errors import EvalsError
from registry.models import ConvertedArtifact, ModelVersion, TrainingRun

FORMAT = 1
_MANIFEST, _DUMP, _SECRETS, _ARTIFACTS = (
    *("manifest.json", "database.dump", "secrets.json"),
    "artifacts/",
)
_DROP_ALL = """
DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC
"""


class BackupFailed(EvalsError):
    """The backup cannot be made or restored; nothing was changed."""

    code = "backup_failed"


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. `artifacts` are SHA-256 by key, `missing` why some are not there."""

    release: str
    made_at: str
    migrations: list[str]
    encryption_key: str
    artifacts: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT


def write(path: Path, *, with_secrets: bool = False) -> Manifest:
    """Write a backup to the path, readable by its owner only; it appears there whole.

    Raises PostgresFailed and OSError. An artifact that the store has lost is no failure: the
    manifest names it.
    """
    draft = path.with_name(f"{path.name}.part")
    draft.unlink(missing_ok=True)
    try:
        with (
            open(draft, "xb", opener=lambda p, flags: os.open(p, flags, 0o600)) as file,
            tarfile.open(fileobj=file, mode="w") as tar,
            tempfile.TemporaryDirectory(dir=settings.DATA_DIR) as folder,
        ):
            dump = Path(folder) / _DUMP
            with _snapshot() as snapshot:
                migrations, sha256_by_key = _applied_migrations(), _artifacts()
                postgres_tools.dump(dump, snapshot)
            tar.add(dump, _DUMP)
            manifest = _add_artifacts(tar, sha256_by_key, migrations)
            if with_secrets:
                _add(tar, _SECRETS, _as_json(_secrets()))
            _add(tar, _MANIFEST, _as_json(asdict(manifest)))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def restore(path: Path, *, replace: bool = False) -> tuple[Manifest, str]:
    """Restore the backup; returns its manifest, and what is left to do about keys ("" for nothing).

    The artifacts come first, so that a database never names what is not there; then the database,
    whole or not at all. Raises BackupFailed, PostgresFailed, OSError, and ArtifactExists where the
    store has another file under the name of one of the backup's.
    """
    with tarfile.open(path) as tar, tempfile.TemporaryDirectory(dir=settings.DATA_DIR) as folder:
        manifest = _manifest(tar)
        _require_not_newer(manifest)
        _require_unused()
        is_empty = not connection.introspection.table_names()
        if not is_empty and not replace:
            raise BackupFailed(
                "The database is not empty.", hint="Restore into a new one, or give --replace."
            )
        for key, sha256 in manifest.artifacts.items():
            _put(tar, key, sha256)
        dump = Path(folder) / _DUMP
        dump.write_bytes(_content(tar, _DUMP))
        if not is_empty:
            with connection.cursor() as cursor:
                cursor.execute(_DROP_ALL)
        connection.close()
        postgres_tools.load(dump)
        note = _restore_secrets(tar, manifest)
    call_command("migrate", interactive=False, verbosity=0)
    return manifest, note


@contextmanager
def _snapshot() -> Iterator[str]:
    """A read-only transaction in one snapshot, which other connections can read, too."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        yield cursor.fetchone()[0]


def _artifacts() -> dict[str, str]:
    """SHA-256 of each artifact by its key; "" where the database has none, of datasets."""
    originals = ModelVersion.objects.values_list("artifact", "artifact_sha256")
    converted = ConvertedArtifact.objects.values_list("artifact", "sha256")
    datasets = TrainingRun.objects.exclude(dataset_file="").values_list("dataset_file", flat=True)
    return {**dict.fromkeys(datasets, ""), **dict(originals), **dict(converted)}


def _add_artifacts(
    tar: tarfile.TarFile, sha256_by_key: dict[str, str], migrations: list[str]
) -> Manifest:
    found, missing = {}, {}
    for key, sha256 in sorted(sha256_by_key.items()):
        try:
            content = artifacts.read_file(key, sha256)
        except EvalsError as error:
            missing[key] = error.message
            continue
        _add(tar, f"{_ARTIFACTS}{key}", content)
        found[key] = hashlib.sha256(content).hexdigest()
    return Manifest(
        release=settings.VERSION,
        made_at=timezone.now().isoformat(timespec="seconds"),
        migrations=migrations,
        encryption_key=_key_fingerprint(),
        artifacts=found,
        missing=missing,
    )


def _put(tar: tarfile.TarFile, key: str, sha256: str) -> None:
    content = _content(tar, f"{_ARTIFACTS}{key}")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BackupFailed(f"The backup's {key} is damaged.", hint="Take another backup.")
    artifacts.put_bytes(key, content)


def _applied_migrations() -> list[str]:
    return sorted(".".join(name) for name in schema_state.applied_migrations())


def _require_not_newer(manifest: Manifest) -> None:
    """Raise BackupFailed for the backup of a later release."""
    own = {".".join(name) for name in schema_state.own_migrations()}
    if later := sorted(set(manifest.migrations) - own):
        raise BackupFailed(
            f"The backup is of a later release, {manifest.release}: it has {later[-1]}.",
            hint="Restore it with that release.",
        )


def _require_unused() -> None:
    """Raise BackupFailed while another process uses the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        if others := cursor.fetchone()[0]:
            raise BackupFailed(
                f"The database is in use, by {others} connections.", hint="Stop the server first."
            )


def _secrets() -> dict[str, Any]:
    return {"SECRET_KEY": settings.SECRET_KEY, "ENCRYPTION_KEYS": settings.ENCRYPTION_KEYS}


def _key_fingerprint() -> str:
    """A hash that identifies the encryption key; the key cannot be computed from it."""
    key = f"evals-backend backup {settings.ENCRYPTION_KEYS[0]}"
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def _restore_secrets(tar: tarfile.TarFile, manifest: Manifest) -> str:
    """Put the backup's key in place of a generated one; returns what is left to set, else ""."""
    if manifest.encryption_key == _key_fingerprint():
        return ""
    file = settings.DATA_DIR / "secret-key"
    if _SECRETS not in tar.getnames():
        return (
            f"The backup's key ({manifest.encryption_key}) is not that of this server"
            f" ({_key_fingerprint()}): put its secret-key into {file}, or set SECRET_KEY and"
            " ENCRYPTION_KEYS as they were. Until then Label Studio's tokens read as empty."
        )
    secrets = json.loads(_content(tar, _SECRETS))
    is_generated = file.exists() and file.read_text().strip() == settings.SECRET_KEY
    ours_is_one = is_generated and settings.ENCRYPTION_KEYS == [settings.SECRET_KEY]
    if ours_is_one and secrets["ENCRYPTION_KEYS"] == [secrets["SECRET_KEY"]]:
        file.write_text(secrets["SECRET_KEY"])
        return ""
    return f"Set SECRET_KEY and ENCRYPTION_KEYS as in the backup's {_SECRETS}."


def _manifest(tar: tarfile.TarFile) -> Manifest:
    try:
        found = json.loads(_content(tar, _MANIFEST))
        if found["format"] != FORMAT:
            raise BackupFailed(
                f"The backup has format {found['format']}; this release has {FORMAT}."
            )
        return Manifest(**found)
    except (ValueError, TypeError, KeyError) as error:
        raise BackupFailed(f"The backup's {_MANIFEST} cannot be read: {error}") from None


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    tar.addfile(info, io.BytesIO(content))


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    try:
        file = tar.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise BackupFailed(f"The file has no {name}: it is no backup, or not a whole one.")
    return file.read()


def _as_json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode()
