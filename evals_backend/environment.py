"""Reads settings from the environment: each NAME, or the file that NAME_FILE names."""

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping


class _Values(FileAwareMapping):
    """The environment's values. A NAME_FILE that cannot be read raises ImproperlyConfigured."""

    def __getitem__(self, name: str) -> str:
        file = os.environ.get(f"{name}_FILE")
        if not file:
            return os.environ[name]
        if os.environ.get(name):
            raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
        try:
            value = Path(file).read_text(encoding="utf-8").strip()  # editors end files with \n
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error}") from error
        if not value:
            raise ImproperlyConfigured(f"{name}_FILE names {file}, which is empty.")
        return value


class Environment(environ.Env):
    """django-environ's casts over `_Values`."""

    ENVIRON = _Values()

    def str(self, var: Any, default: Any = "", multiline: bool = False) -> Any:
        """The value without interpolation: a password may begin with `$`."""
        return self.ENVIRON.get(var, default)
