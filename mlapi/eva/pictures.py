"""Sees picture files through EvaDB: their vectors of features, in whichever way their path allows.

- `load`: LOAD IMAGE of a folder of links, then SELECT over the pictures. The folder is ours, the
  path is bound and its glob characters escaped, so neither quotes nor `[1]` nor `*` matter. But
  EvaDB names its own link to each file after the file's whole path, as one name.
- `open`: a table of the paths, and SELECT over what `OpenPicture` makes of them. Any path that is
  text.
- `store`: a table of the pictures themselves. Any path.
"""

import shutil
from collections.abc import Callable, Mapping
from glob import escape
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import structlog
from more_itertools import chunked

from mlapi.eva import functions
from mlapi.eva.execute import StatementFailed, execute
from mlapi.eva.names import identifier
from mlapi.eva.open import Eva
from mlapi.eva.open_picture import OpenPicture
from mlapi.eva.picture_features import PictureFeatures
from mlapi.eva.tables import write_table
from mlapi.seeing.extractors import extractor
from mlapi.seeing.opening import open_rgb

log = structlog.get_logger(__name__)

Way = Literal["load", "open", "store"]
Vectors = dict[int, np.ndarray]

# Pictures at once, in memory and in EvaDB's directory: 100 MB at 256 x 256.
BATCH = 500

_LONGEST_FILE_NAME = 255


def see(
    eva: Eva, table: str, pictures: Mapping[int, Path], features: str, way: Way | None = None
) -> Vectors:
    """The vector (size,) of float32 of each picture by its id, in the order of `pictures`.

    The files are normalised 8-bit pictures, at most `extractor(features).max_side` long. One
    that EvaDB cannot read is absent from the result. `table` begins the names of the tables,
    which are dropped again, so it must be new in the process (see `open_eva`). Raises
    TrainingFailed for features that cannot be used, UnsafeName for a table that is no
    identifier.
    """
    extractor(features)  # raises its own error here, not inside a statement
    function = identifier(f"{table}_features")
    run = _WAYS[way or _way(eva, table, pictures)]
    execute(
        eva,
        f"CREATE FUNCTION {function} IMPL ':impl' FEATURES ':features'",
        {"impl": functions.path(PictureFeatures), "features": features},
    )
    seen: Vectors = {}
    for number, batch in enumerate(chunked(pictures.items(), BATCH), start=1):
        seen |= run(eva, identifier(f"{table}_{number}"), dict(batch), function)
    execute(eva, f"DROP FUNCTION {function}")
    return {i: seen[i] for i in pictures if i in seen}


def _load(eva: Eva, table: str, pictures: Mapping[int, Path], function: str) -> Vectors:
    folder = _links(eva, table)
    folder.mkdir(parents=True)
    try:
        for i, path in pictures.items():
            (folder / f"{i}.png").symlink_to(path.absolute())
        files = f"{escape(str(folder))}/*.png"
        execute(eva, f"LOAD IMAGE ':files' INTO {table}", {"files": files})
        by_name = _select(eva, table, "name", f"{function}(data)")
    except StatementFailed as e:
        # No file could be read, or one went away between the two statements.
        log.warning("pictures_not_loaded", table=table, pictures=len(pictures), error=e.message)
        return _store(eva, f"{table}_again", pictures, function)
    finally:
        execute(eva, f"DROP TABLE IF EXISTS {table}")
        shutil.rmtree(folder)
    return {int(Path(name).stem): vector for name, vector in by_name.items()}


def _open(eva: Eva, table: str, pictures: Mapping[int, Path], function: str) -> Vectors:
    opener = identifier(f"{table}_open")
    execute(eva, f"CREATE FUNCTION {opener} IMPL ':impl'", {"impl": functions.path(OpenPicture)})
    paths = pd.DataFrame({"id": list(pictures), "path": [str(p) for p in pictures.values()]})
    write_table(eva, table, paths, {"id": "integer", "path": "text"})
    seen = _select(eva, table, "id", f"{function}({opener}(path))")
    execute(eva, f"DROP TABLE {table}")
    execute(eva, f"DROP FUNCTION {opener}")
    return seen


def _store(eva: Eva, table: str, pictures: Mapping[int, Path], function: str) -> Vectors:
    opened = {i: open_rgb(path) for i, path in pictures.items()}
    there = {i: picture for i, picture in opened.items() if picture is not None}
    if not there:
        return {}
    stored = pd.DataFrame({"id": list(there), "picture": pd.Series(there.values(), dtype=object)})
    write_table(eva, table, stored, {"id": "integer", "picture": "picture"})
    seen = _select(eva, table, "id", f"{function}(picture)")
    execute(eva, f"DROP TABLE {table}")
    return seen


def _select(eva: Eva, table: str, key: str, vector: str) -> dict[Any, np.ndarray]:
    """The vectors by their key, of those rows that have one: what is no picture has none."""
    rows = execute(eva, f"SELECT {key}, {vector} FROM {table}")  # noqa: S608 - our identifiers
    if rows is None:
        return {}
    pairs = zip(rows[key], rows["features"], strict=True)
    return {key: found for key, found in pairs if isinstance(found, np.ndarray)}


_WAYS: dict[Way, Callable[[Eva, str, Mapping[int, Path], str], Vectors]] = {
    "load": _load,
    "open": _open,
    "store": _store,
}


def _way(eva: Eva, table: str, pictures: Mapping[int, Path]) -> Way:
    last = _links(eva, f"{table}_{len(pictures) // BATCH + 1}")
    if all(len(f"{last}/{i}.png") <= _LONGEST_FILE_NAME for i in pictures):
        return "load"
    try:
        for path in pictures.values():
            str(path).encode()
    except UnicodeEncodeError:
        return "store"
    return "open"


def _links(eva: Eva, table: str) -> Path:
    return eva.directory / "pictures" / table
