"""Carries out the work of a child process, and writes its error into the folder for the parent."""

import traceback
from collections.abc import Callable
from pathlib import Path

from mlapi.child_process.processes import is_disk_full, status_of
from mlapi.run_folder.json_file import RunFileInvalid
from mlapi.run_folder.result import RunError, write_error


def _with_type(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def carry_out(
    work: Callable[[], None],
    folder: Path,
    code: str,
    message_of: Callable[[Exception], str] = _with_type,
) -> int:
    """The exit status of the process: 0, or 1 with the error and this code in `error.json`.

    A RunFileInvalid keeps its own code: it says nothing of the work.
    DISK_FULL_STATUS where the disk is full, because then the file could not be written either.
    """

    def status() -> int:
        try:
            work()
        except Exception as error:
            if is_disk_full(error):
                raise
            traceback.print_exc()
            if isinstance(error, RunFileInvalid):
                write_error(folder, RunError(error.code, error.message, error.hint))
            else:
                write_error(folder, RunError(code, message_of(error)))
            return 1
        return 0

    return status_of(status)
