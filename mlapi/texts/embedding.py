"""Makes the vectors of a run's texts by EvaDB, and writes them into the run's folder.

The parent process writes vectors that are stored, as `stored-<n>`; the child adds those that it
makes, and the parent stores them.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from more_itertools import chunked

from mlapi.eva import functions
from mlapi.eva.execute import execute, write_table
from mlapi.eva.names import identifier
from mlapi.eva.open import Eva
from mlapi.images.folder_store import read_features, write_features
from mlapi.operator_settings import training_cores
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from mlapi.texts.encoders.loading import encoder_for
from mlapi.texts.function import SentenceEmbedding
from mlapi.texts.refs import ENCODING, EncoderRef
from mlapi.texts.vectors import cache_of, key

STORED = "stored"
_FOLDER = "texts"
_LEFT = "left-to-the-next-run"
_BATCH = 1_000  # texts of one statement; their vectors are written after each
# Some 50 us for each character that is read: five minutes at most. The bound is no clock, so that
# the same data give the same version.
_MOST_WORK = 6_000_000
_LEAST, _CHARACTERS = 20, 1_000


def work_of(text: str) -> int:
    """How much it is to encode a text, in units of some 50 us on two cores."""
    return _LEAST + min(len(text), _CHARACTERS)


def leave_to_the_next_run(folder: Path) -> None:
    """Have the run in this folder make no vectors."""
    (folder / _FOLDER).mkdir(exist_ok=True)
    (folder / _FOLDER / _LEFT).touch()


def write_vectors(
    folder: Path, name: str, ref: EncoderRef, found: Mapping[str, np.ndarray]
) -> None:
    """Write vectors by their texts' keys into the run's folder, whole or not at all."""
    (folder / _FOLDER).mkdir(exist_ok=True)
    write_features(folder / _FOLDER, name, ref.encoder_name, found)


def read_vectors(folder: Path) -> Iterator[tuple[str, str, dict[str, np.ndarray]]]:
    """The files of the run's folder: name, full name of the encoder, vectors by keys."""
    for path in sorted((folder / _FOLDER / "features").glob("*.npz")):
        encoder, found = read_features(path)
        yield path.stem, encoder, found


def embed_texts(
    job: TrainingJob, eva: Eva, ref: EncoderRef, texts: Sequence[str], progress: ProgressWriter
) -> int:
    """Caches the vectors of all these texts in this process, and makes those of new ones by EvaDB.

    Returns how many are left for the next run, because all of them would take too long, or the
    parent says so. Raises TrainingFailed if the encoder cannot be loaded, or is another one today.
    """
    vectors = cache_of(ref)
    vectors.most = None
    for _, encoder, found in read_vectors(job.folder):
        if encoder == ref.encoder_name:
            vectors.add(found)
    by_key = {key(text): text for text in texts}
    have = vectors.get(list(by_key))
    new = {k: text for k, text in by_key.items() if k not in have}
    if (job.folder / _FOLDER / _LEFT).exists():
        return len(new)
    missing, left = _affordable(new)
    if not missing:
        return left
    encoder_for(ref)  # within a statement its reason would be that of the statement
    prefix = identifier(f"{job.prefix}_encoder_{_number(ref)}")
    execute(
        eva,
        f"CREATE FUNCTION {prefix} IMPL ':impl' ENCODER ':encoder' NAME ':name' THREADS ':threads'",
        {
            "impl": functions.path(SentenceEmbedding),
            "encoder": ref.encoder,
            "name": ref.encoder_name,
            # It is most of a training's time where there are many, and the process is niced.
            "threads": str(training_cores()),
        },
    )
    for number, keys in enumerate(chunked(missing, _BATCH), start=1):
        progress.phase(ENCODING, number * _BATCH / (len(missing) + _BATCH))
        table = f"{prefix}_texts_{number}"
        frame = pd.DataFrame({"id": range(len(keys)), "text": [by_key[k] for k in keys]})
        write_table(eva, table, frame, {"id": "integer", "text": "text"})
        rows = execute(eva, f"SELECT id, {prefix}(text) FROM {table}")  # noqa: S608
        pairs = zip(rows["id"], rows.drop(columns="id").iloc[:, 0], strict=True)
        found = {keys[i]: np.asarray(vector, np.float32) for i, vector in pairs}
        vectors.add(found)
        write_vectors(job.folder, table, ref, found)
        execute(eva, f"DROP TABLE {table}")
    return left


def _affordable(texts: Mapping[str, str]) -> tuple[list[str], int]:
    """The keys of texts that one run may encode, and how many are left."""
    taken, work = [], 0
    for one, text in texts.items():
        work += work_of(text)
        if work > _MOST_WORK:
            break
        taken.append(one)
    return taken, len(texts) - len(taken)


def _number(ref: EncoderRef) -> str:
    """Letters and digits of the hash in the name: two encoders of a run are two functions."""
    return key(ref.encoder_name)[:8]
