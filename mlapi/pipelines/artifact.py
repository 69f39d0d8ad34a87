"""The file of a version: written whole, read only if it is what a pipeline expects."""

import os
import pickle
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

FORMAT = 1
Model = TypeVar("Model")


def write(path: Path, pipeline: str, content: dict[str, Any]) -> None:
    """Write the artifact atomically. Equal contents give equal bytes."""
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as f:
        pickle.dump({"format": FORMAT, "pipeline": pipeline, **content}, f, protocol=5)
        f.flush()
        os.fsync(f.fileno())
    os.replace(partial, path)


def read(path: Path, pipeline: str = "") -> dict[str, Any]:
    """What `write` wrote. The caller has verified the file's SHA-256: it is a pickle.

    Raises ValueError if it is no artifact, or not one of this pipeline.
    """
    with open(path, "rb") as f:
        payload = pickle.load(f)  # noqa: S301 - verified before, see above
    if not isinstance(payload, dict) or "pipeline" not in payload:
        raise ValueError("Not an artifact of a version.")
    if pipeline not in ("", payload["pipeline"]):
        raise ValueError(f"Not an artifact of {pipeline}.")
    if payload.get("format") != FORMAT:
        raise ValueError(f"The artifact has format {payload.get('format')!r}, not {FORMAT}.")
    return payload


def once_per_file(read_model: Callable[[Path], Model]) -> Callable[[str], Model]:
    """`read_model`, once per file: EvaDB makes its functions anew at every bind."""

    @lru_cache(maxsize=4)
    def kept(path: str, mtime_ns: int, size: int) -> Model:
        return read_model(Path(path))

    def load(path: str) -> Model:
        status = os.stat(path)
        return kept(path, status.st_mtime_ns, status.st_size)

    return load
