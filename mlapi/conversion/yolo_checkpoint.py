"""Converts a checkpoint of YOLO in a child process into files of the folder of models."""

import os
import shutil
from pathlib import Path

from mlapi.child_process import folder as folders
from mlapi.child_process import supervise
from mlapi.child_process.supervise import Limits, program
from mlapi.conversion import yolo_child
from mlapi.conversion.converting import ConversionFailed
from mlapi.pipelines.object_detection.engines import YOLO
from registry.errors import EvalsError

_SECONDS = 300


def convert(checkpoint: Path, weights: Path) -> None:
    """Writes the weights, and the definition beside them, which must not be there yet.

    Raises ConversionFailed, or DiskFull.
    """
    definition = weights.with_suffix(".yaml")
    if (missing := YOLO.missing()) is not None:
        raise ConversionFailed(missing)
    if not checkpoint.is_file():
        raise ConversionFailed(f"There is no file {checkpoint}.")
    for path in (weights, definition):
        if path.exists():
            raise ConversionFailed(f"{path} is there already.")
    with folders.temporary_folder("convert") as folder:
        child = program("mlapi.conversion.yolo_child", str(checkpoint.resolve()), str(folder))
        try:
            supervise.supervise(child, folder, Limits.from_settings(_SECONDS))
        except supervise.DiskFull:
            raise
        except EvalsError as error:
            raise ConversionFailed(f"{checkpoint} was not converted: {error}") from error
        made = folder / yolo_child.WEIGHTS
        for source, target in ((made.with_suffix(".yaml"), definition), (made, weights)):
            part = target.with_name(f"{target.name}.part")
            shutil.copyfile(source, part)
            os.replace(part, target)
