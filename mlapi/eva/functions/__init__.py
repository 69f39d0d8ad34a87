"""Functions that EvaDB loads by file: `CREATE FUNCTION ... IMPL`. One class in each file.

EvaDB executes such a file at every bind and makes an instance without arguments when the
function is created, so nothing here is cached in the file itself and `setup` has defaults.
"""

from pathlib import Path


def path(name: str) -> str:
    """The file of a function of this package, for `IMPL`."""
    return str(Path(__file__).parent / f"{name}.py")
