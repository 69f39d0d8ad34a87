"""The modality of a run on texts: with candidates that read sentence vectors, if there are any."""

from contextlib import suppress

from mlapi.domain import InputError, TrainingFailed
from mlapi.eva.open import Eva
from mlapi.inputs.text.input import NONE, TextInput
from mlapi.pipelines.text_classification.model import TextModality
from mlapi.pipelines.text_classification.sentence_vectors import (
    SentenceCandidate,
    TextAndSentenceCandidate,
)
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from mlapi.texts.embedding import embed_texts
from mlapi.texts.encoders.loading import unavailable


def modality_of(
    job: TrainingJob, read: TextInput, eva: Eva, progress: ProgressWriter
) -> TextModality:
    """Texts are learned without an encoder that is unavailable, and the run's log says why."""
    if read.encoder is None:
        _log_why(job, progress)
        return TextModality()
    texts: dict[str, None] = {}
    for row in job.rows:
        for target in job.targets:
            with suppress(InputError):
                texts[read.read(row["data"], target)] = None
    try:
        left = embed_texts(job, eva, read.encoder, list(texts), progress)
    except TrainingFailed as failure:
        progress.log(f"Learned without the sentence encoder: {failure.message} {failure.hint}")
        return TextModality()
    if left:
        progress.log(f"Learned without the sentence encoder: {left} texts have no vectors yet.")
        return TextModality()
    return with_sentence_vectors(read)


def with_sentence_vectors(read: TextInput) -> TextModality:
    """With the candidates that read the vectors of the input's encoder, if it has one."""
    if read.encoder is None:
        return TextModality()
    # Side by side is ahead of TF-IDF also in languages that the encoder was not made for.
    beside = TextAndSentenceCandidate(read.encoder)
    return TextModality(read, (SentenceCandidate(read.encoder), beside), preferred=beside)


def _log_why(job: TrainingJob, progress: ProgressWriter) -> None:
    encoder = job.options.get("encoder", NONE)
    failure = None if encoder == NONE else unavailable(encoder)
    if failure is not None:
        progress.log(f"Learned without a sentence encoder: {failure.message} {failure.hint}")
