"""Reads a version's model from its file, for what knows no more than the file and its hash."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from mlapi.pipelines import artifact
from mlapi.pipelines.readers import READERS
from registry.verified import read_verified


@lru_cache(maxsize=4)
def load_model(path: str, sha256: str) -> Any:
    """The model in the file, whose content has this hash; once, however often it is asked for.

    EvaDB makes its functions anew at every bind. Raises ArtifactMissing, ArtifactCorrupt,
    ArtifactFormatOld or ArtifactInvalid.
    """
    parts = artifact.unpack(read_verified(Path(path), sha256))
    return parts.one_of("pipeline", READERS)(parts)
