"""The feature vectors of the images that tasks name."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlapi.domain import ExtractorRef, FeatureSource, InputError, TargetSpec
from mlapi.images.addresses import read_address

NO_STORE = InputError("images_unreachable", "This process cannot read images.")


def read_vectors(
    rows: Sequence[dict[str, Any]],
    spec: TargetSpec,
    extractor: ExtractorRef,
    store: FeatureSource | None,
) -> list[np.ndarray | InputError]:
    """The vector of each row's image, or why it has none; one look-up for all."""
    found: list[Any] = [_address(row, spec) for row in rows]
    named = [i for i, address in enumerate(found) if isinstance(address, str)]
    if store is None:
        return [NO_STORE if isinstance(one, str) else one for one in found]
    for i, vector in zip(named, store.vectors(extractor, [found[i] for i in named]), strict=True):
        found[i] = vector
    return found


def _address(row: dict[str, Any], spec: TargetSpec) -> str | InputError:
    try:
        return read_address(row, spec)
    except InputError as problem:
        return problem
