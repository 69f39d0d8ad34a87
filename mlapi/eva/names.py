"""Which names may be identifiers in EvaDB; apart from `execute`, which serving never imports."""

import re

from registry.errors import EvalsError

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")


class UnsafeName(EvalsError):
    """A name that is no identifier; only our own code makes names, so this is a defect."""

    code = "eva_name"


def identifier(name: str) -> str:
    """The name itself. Raises UnsafeName unless it matches `^[a-z][a-z0-9_]{0,62}$`."""
    if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
        raise UnsafeName(f"{name!r} cannot be an identifier in EvaDB.")
    return name
