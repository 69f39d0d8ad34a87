"""Processes on the database and in the data folder of the test that starts them."""

import subprocess
import sys
from typing import Any

from django.conf import settings

from tests.evals_backend.running import ROOT, environment
from tests.postgres import database_url


def python(*arguments: str, log_level: str = "ERROR", **options: Any) -> subprocess.Popen:
    """Start Python with these arguments; `options` are those of Popen."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(
            settings.DATA_DIR,
            DATABASE_URL=database_url(),
            SECRET_KEY=settings.SECRET_KEY,
            LOG_LEVEL=log_level,
            DJANGO_SETTINGS_MODULE="evals_backend.settings",
        ),
        **options,
    )
