"""The images of a run as an EvaDB table: the tasks that have one, with their features."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlapi.domain import ExtractorRef, TargetSpec
from mlapi.eva.execute import execute
from mlapi.eva.names import identifier
from mlapi.eva.open import Eva
from mlapi.eva.tables import write_table
from mlapi.images.folder_store import FolderFeatureStore
from mlapi.images.lookup import read_vectors


def write_images(
    eva: Eva,
    table: str,
    rows: Sequence[dict[str, Any]],
    spec: TargetSpec,
    extractor: ExtractorRef,
    store: FolderFeatureStore,
) -> int:
    """Write `id` and `features` of the rows whose image has features of the extractor; how many."""
    vectors = read_vectors([row["data"] for row in rows], spec, extractor, store)
    there = [i for i, vector in enumerate(vectors) if isinstance(vector, np.ndarray)]
    features = pd.Series([vectors[i] for i in there], dtype=object)
    frame = pd.DataFrame({"id": [rows[i]["id"] for i in there], "features": features})
    write_table(eva, table, frame, {"id": "integer", "features": "vector"})
    return len(there)


def through_table(
    eva: Eva,
    table: str,
    rows: Sequence[dict[str, Any]],
    spec: TargetSpec,
    extractor: ExtractorRef,
    store: FolderFeatureStore,
) -> tuple[list[int], np.ndarray]:
    """As `write_images`, and what EvaDB then has: ids, ascending, and vectors (n, size).

    That is what is learned from, as the version's function is evaluated on it later.
    """
    if not write_images(eva, table, rows, spec, extractor, store):
        return [], np.empty((0, 0), dtype=np.float32)
    found = execute(eva, f"SELECT id, features FROM {identifier(table)}")  # noqa: S608
    found = found.sort_values("id")
    return found["id"].tolist(), np.stack(found["features"].tolist())
