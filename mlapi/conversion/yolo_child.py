"""The child process that reads a checkpoint of YOLO, and runs the code in it:
`python -m mlapi.conversion.yolo_child <checkpoint> <folder>`.

It leaves `model.safetensors` and `model.yaml` in the folder, or `error.json`.
"""

import argparse
import sys
from pathlib import Path

from mlapi.child_process.error_file import carry_out
from mlapi.child_process.processes import begin

WEIGHTS = "model.safetensors"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args(arguments)
    begin()
    folder = args.folder.resolve()
    return carry_out(
        lambda: convert(args.checkpoint, folder), folder, "conversion_failed", _message_of
    )


def convert(checkpoint: Path, folder: Path) -> None:
    """Raises ValueError, with a sentence for people, for what is no such checkpoint."""
    from mlapi.pipelines.object_detection.engines.yolo import pickle_file

    pickle_file.convert(checkpoint, folder / WEIGHTS)


def _message_of(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
