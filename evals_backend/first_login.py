"""Creates the first access key and the first admin user, and writes their secrets to a file."""

import os
import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from evals_backend import addresses
from registry.actions import keys
from registry.models import AccessKey

_LOCK = 0x45564C53  # any constant: two web servers that start at once make one login
_TEXT = """\
evals-backend: the first login. Keep it, or note what you need and delete it.

Paste into Label Studio, Settings > Model:
{urls}

Admin:    {admin}
User:     admin
Password: {password}
"""


def path() -> Path:
    """The file with the secrets of the first login."""
    return settings.DATA_DIR / "first-login.txt"


def make() -> str | None:
    """Create key, admin user and file on the first start and return the key; later return None.

    The file is written before the rows are committed: a crash in between leaves a file that the
    next start replaces, never a key that nobody knows.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        users = get_user_model().objects
        if AccessKey.objects.exists() or users.exists():
            return None
        _, key = keys.new_key("first login", actor="first start")
        password = secrets.token_urlsafe(12)
        users.create_superuser("admin", password=password)
        urls = "\n".join(f"{what}: {url}" for what, url in addresses.to_paste(key))
        _write(_TEXT.format(urls=urls, admin=addresses.admin(), password=password))
    return key


def _write(text: str) -> None:
    draft = path().with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with open(draft, "x", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
        file.write(text)
    draft.replace(path())
