"""The child process that reads a checkpoint of YOLO, and runs the code in it:
`python -m mlapi.conversion.yolo_child <checkpoint> <folder>`.

It leaves `model.safetensors` and `model.yaml` in the folder, or `error.json`.
"""

import argparse
import sys
import traceback
from pathlib import Path

from mlapi.child_process.processes import begin, is_disk_full, status_of
from mlapi.run_folder.result import RunError, write_error

WEIGHTS = "model.safetensors"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    begin()
    return status_of(lambda: _carry_out(given.checkpoint, given.folder.resolve()))


def _carry_out(checkpoint: Path, folder: Path) -> int:
    """The exit status. Every error is in error.json, but for a full disk: raises OSError."""
    from mlapi.pipelines.object_detection.engines.yolo import pickle_file

    try:
        pickle_file.convert(checkpoint, folder / WEIGHTS)
    except Exception as e:
        if is_disk_full(e):
            raise
        traceback.print_exc()
        reason = str(e) if isinstance(e, ValueError) else f"{type(e).__name__}: {e}"
        write_error(folder, RunError("conversion_failed", reason))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
