"""Reads a version's model from its file, for what knows no more than the file and its hash."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from registry.verified import read_verified

# By pipeline, from the parts of an artifact to the model. The package fills it, because what reads
# models is part of the pipelines and can import none of them.
READERS: dict[str, Callable[[Any], Any]] = {}


@lru_cache(maxsize=4)
def load_model(path: str, sha256: str) -> Any:
    """The model in the file, whose content has this hash.

    Cached, because EvaDB makes its functions anew at every bind. Raises ArtifactMissing,
    ArtifactCorrupt, ArtifactFormatOld or ArtifactInvalid.
    """
    from mlapi.pipelines import artifact  # numpy, which a label config is matched without

    parts = artifact.unpack(read_verified(Path(path), sha256))
    return parts.one_of("pipeline", READERS)(parts)
