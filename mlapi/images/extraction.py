"""Extracts the features of a run's images by EvaDB, and writes them as a table."""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from more_itertools import chunked

from mlapi.domain import InputError
from mlapi.eva.execute import execute, write_table
from mlapi.eva.images import evaluate_images
from mlapi.eva.names import identifier
from mlapi.eva.open import Eva
from mlapi.images.decoding import read_image
from mlapi.images.extractors.loading import extractor_for
from mlapi.images.features import ExtractorRef
from mlapi.images.folder_store import FolderImageStore, write_features
from mlapi.images.function import ImageFeaturesFunction
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter

BATCH = 500  # images that lie in the folder as PNG at once; their features are written after each
_UNREADABLE = InputError("image_not_embedded", "EvaDB could not read the image.")


def extract_features(
    job: TrainingJob,
    eva: Eva,
    store: FolderImageStore,
    ref: ExtractorRef,
    addresses: Sequence[str],
    progress: ProgressWriter,
) -> None:
    """Makes the features that are missing, and adds them to `store` and to the run's folder.

    An unreadable image does not affect the others.
    Raises TrainingFailed if the extractor cannot be loaded, or is another one today.
    """
    missing = list(store.missing(ref, addresses))
    if not missing:
        return
    extractor = extractor_for(ref)
    features = store.features.setdefault(ref.name, {})
    done = 0
    for number, batch in enumerate(chunked(missing, BATCH), start=1):
        table = f"{job.prefix}_images_{len(store.features)}_{number}"
        with _Folder(job.folder / "normalised") as folder:
            files = _normalised(store, batch, extractor.max_side, folder)
            chosen = {"features": ref.features}
            found = (
                evaluate_images(eva, table, folder, ImageFeaturesFunction, chosen) if files else {}
            )
        made = {content: found[name] for content, name in files.items() if name in found}
        for content in files:
            if content not in made:
                store.errors[content] = _UNREADABLE
        features.update(made)
        if made:
            write_features(job.folder, table, ref.name, made)
        done += len(batch)
        progress.phase("extracting features", done / len(missing))


def log_unavailable(
    store: FolderImageStore, addresses: Sequence[str], progress: ProgressWriter
) -> None:
    """Logs how many images are unavailable, by reason."""
    reasons: Counter[tuple[str, str]] = Counter()
    for address in set(addresses):
        content = store.contents.get(address)
        error = store.errors.get(content) if isinstance(content, str) else content
        if isinstance(error, InputError):
            reasons[error.code, error.message] += 1
    for (code, message), n in reasons.most_common(20):
        progress.log(f"{n} images are unavailable: {code}: {message}")


def _normalised(
    store: FolderImageStore, contents: Sequence[str], max_side: int, folder: Path
) -> dict[str, str]:
    """Writes each content as an 8-bit RGB file; the name of it, of those that are images."""
    files = {}
    for i, content in enumerate(contents):
        try:
            image = read_image(store.files[content], max_side)
        except InputError as error:
            store.errors[content] = error
            continue
        files[content] = f"{i:06d}.png"
        # OpenCV writes BGR. A low level of compression: each file is read once and removed.
        low = [cv2.IMWRITE_PNG_COMPRESSION, 1]
        cv2.imwrite(str(folder / files[content]), image[:, :, ::-1], low)
    return files


class _Folder:
    """An empty folder, which is removed at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Path:
        shutil.rmtree(self._path, ignore_errors=True)
        self._path.mkdir(mode=0o700)
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


def write_images(
    eva: Eva,
    table: str,
    rows: Sequence[dict[str, Any]],
    vectors: Sequence[Any],
) -> int:
    """Write `id` and `features` of the rows that have a vector and no InputError; how many."""
    present = [i for i, vector in enumerate(vectors) if isinstance(vector, np.ndarray)]
    features = pd.Series([vectors[i] for i in present], dtype=object)
    frame = pd.DataFrame({"id": [rows[i]["id"] for i in present], "features": features})
    write_table(eva, table, frame, {"id": "integer", "features": "vector"})
    return len(present)


def through_table(
    eva: Eva,
    table: str,
    rows: Sequence[dict[str, Any]],
    vectors: Sequence[Any],
) -> tuple[list[int], np.ndarray]:
    """As `write_images`, and what EvaDB then has: ids, ascending, and vectors (n, size).

    That is what is learned from, as the version's function is evaluated on it later.
    """
    if not write_images(eva, table, rows, vectors):
        return [], np.empty((0, 0), dtype=np.float32)
    found = execute(eva, f"SELECT id, features FROM {identifier(table)}")  # noqa: S608
    found = found.sort_values("id")
    return found["id"].tolist(), np.stack(found["features"].tolist())
