"""A data folder that a server finds ready: its PostgreSQL migrated, its static files collected.

Made once for the migrations and the requirements as they are, and copied from then on: a server
that makes its own takes seconds longer to start.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.environment import SETTINGS

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".pytest_cache"
_NOT_SHARED = ("secret-key", ".postgres.lock", ".postgres.users", "postgres/log")


def prepare(folder: Path) -> Path:
    """Copy the template to `folder`, which must not exist; return it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    _copy(_template(), folder)
    return folder


def _copy(source: Path, target: Path) -> None:
    # With `cp`, because PostgreSQL's files belong to another user where root runs the tests.
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def _template() -> Path:
    ready = CACHE / f"data-folder-{_fingerprint()}"
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / ".data-folder.lock", "w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not ready.exists():
            for old in CACHE.glob("data-folder-*"):
                shutil.rmtree(old)
            # Elsewhere, because PostgreSQL's user must reach it while it runs.
            with tempfile.TemporaryDirectory(prefix="evals-template-") as place:
                draft = Path(place) / "data"
                _make(draft)
                part = CACHE / "data-folder.part"
                shutil.rmtree(part, ignore_errors=True)
                _copy(draft, part)
                part.rename(ready)
    return ready


def _make(folder: Path) -> None:
    inherited = {k: v for k, v in os.environ.items() if k.removesuffix("_FILE") not in SETTINGS}
    for command in ("migrate", "collectstatic"):
        subprocess.run(
            [sys.executable, "manage.py", command, "--no-input", "--verbosity", "0"],
            cwd=ROOT,
            env={**inherited, "DATA_DIR": str(folder)},
            check=True,
        )
    for name in _NOT_SHARED:
        (folder / name).unlink(missing_ok=True)


def _fingerprint() -> str:
    """The hash of all files that the template is made of."""
    found = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for package in ("registry", "mlapi"):
        for path in sorted((ROOT / package).glob("migrations/*.py")):
            found.update(path.read_bytes())
        for path in sorted((ROOT / package).glob("static/**/*")):
            found.update(path.read_bytes() if path.is_file() else b"")
    return found.hexdigest()[:12]
