"""Evaluates a function over the images of a folder.

LOAD IMAGE, then SELECT over the images. EvaDB names its own link to each file after the file's
whole path, as one name, so a long path cannot be loaded, nor one that is no text: then a table of
the images themselves is selected from.
"""

from collections.abc import Mapping
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import structlog

from mlapi.eva import functions
from mlapi.eva.execute import StatementFailed, execute, write_table
from mlapi.eva.functions import Function
from mlapi.eva.names import identifier
from mlapi.eva.open import Eva

log = structlog.get_logger(__name__)


def evaluate_images(
    eva: Eva, table: str, folder: Path, function: type[Function], parameters: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """The function's vector for each `*.png` of the folder, by the file's name.

    The function takes an RGB image (h, w, 3) of uint8, and has the parameters. All images are in
    memory at once. A file that EvaDB cannot read is absent from the result. The table is dropped
    again; its name must be new in the process (see `open_eva`). Raises UnsafeName for one that is
    no identifier, StatementFailed for a function that fails.
    """
    name = identifier(f"{table}_features")
    places = "".join(f" {identifier(key).upper()} ':{key}'" for key in parameters)
    create = f"CREATE FUNCTION {name} IMPL ':impl'{places}"
    execute(eva, create, {"impl": functions.path(function), **parameters})
    vectors = _load(eva, table, folder, name)
    execute(eva, f"DROP FUNCTION {name}")
    return {path.name: vectors[path.name] for path in _files(folder) if path.name in vectors}


def open_rgb(path: Path) -> np.ndarray | None:
    """The image (h, w, 3) of uint8, RGB; None for a file that is none."""
    try:
        # Not cv2.imread, which cannot take every path that the system can.
        bgr = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, ValueError, cv2.error):
        return None
    return None if bgr is None else cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.png"))


def _load(eva: Eva, table: str, folder: Path, function: str) -> dict[str, np.ndarray]:
    try:
        # The path is bound and its glob characters escaped: quotes, `[1]` and `*` do not matter.
        files = f"{escape(str(folder.absolute()))}/*.png"
        files.encode()  # OpenCV, by which EvaDB reads, ends the process at a path that is no text
        execute(eva, f"LOAD IMAGE ':files' INTO {table}", {"files": files})
        by_path = _select(eva, table, "name", f"{function}(data)")
    except (StatementFailed, UnicodeEncodeError) as e:
        # The path does not do, no file could be read, or one went away between the statements.
        log.warning("images_not_loaded", table=table, error=str(e))
        return _store(eva, f"{table}_again", folder, function)
    finally:
        with suppress(StatementFailed):  # where LOAD fails, EvaDB has removed the files already
            execute(eva, f"DROP TABLE IF EXISTS {table}")
    return {Path(path).name: vector for path, vector in by_path.items()}


def _store(eva: Eva, table: str, folder: Path, function: str) -> dict[str, np.ndarray]:
    opened = {path.name: image for path in _files(folder) if (image := open_rgb(path)) is not None}
    if not opened:
        return {}
    images = pd.Series(list(opened.values()), dtype=object)
    stored = pd.DataFrame({"name": list(opened), "image": images})
    write_table(eva, table, stored, {"name": "text", "image": "image"})
    vectors = _select(eva, table, "name", f"{function}(image)")
    execute(eva, f"DROP TABLE {table}")
    return vectors


def _select(eva: Eva, table: str, key: str, vector: str) -> dict[Any, np.ndarray]:
    """The vectors by their key, of those rows that have one: what is no image has none."""
    rows = execute(eva, f"SELECT {key}, {vector} FROM {table}")  # noqa: S608 - our identifiers
    if rows is None:
        return {}
    pairs = zip(rows[key], rows.drop(columns=key).iloc[:, 0], strict=True)
    return {key: found for key, found in pairs if isinstance(found, np.ndarray)}
