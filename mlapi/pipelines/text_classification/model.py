"""The candidates of texts, the modality that has them, and what reads a version's model.

The candidates are TF-IDF of words, of characters, or of both, with ridge regression. Ridge on
+-1 targets was chosen side by side with LinearSVC, logistic regression and complement naive Bayes
in 5-fold cross-validation on short texts: within noise of the best of them, deterministic, and one
estimator for one label and for several. Where a script puts no spaces between words, characters 1
to 3 are ahead of words by 5 to 15 points (`benchmarks/script_quality.py`).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from mlapi.domain import TargetSpec
from mlapi.inputs import TextInput
from mlapi.pipelines.classification.candidates import (
    Candidate,
    Estimator,
    RidgeEstimator,
    fit_ridge,
)
from mlapi.pipelines.classification.dataset import Modality
from mlapi.pipelines.classification.model import Classifier
from mlapi.pipelines.parts import Parts
from mlapi.pipelines.text_classification.features import (
    CHARACTERS_2_5,
    MOST_WITHOUT_SPACES,
    SHORT_CHARACTERS,
    WORDS,
    WORDS_AND_CHARACTERS,
    TextColumns,
    TextVectors,
    characters_take_too_long,
    fit_columns,
)
from mlapi.pipelines.text_classification.scripts import share_without_spaces
from mlapi.pipelines.text_classification.sentence_vectors import (
    SentenceVectors,
    TextAndSentenceVectors,
)

_FEATURES = (TextVectors, TextColumns, SentenceVectors, TextAndSentenceVectors)
_SOME_WITHOUT_SPACES = 0.2  # the share from which on both kinds of candidates are compared


@dataclass(frozen=True)
class LinearCandidate(Candidate):
    """Ridge over TF-IDF of the analyzers' terms."""

    name: str
    analyzers: tuple[str, ...]

    def fit(
        self, inputs: Sequence[str], labels: np.ndarray, n_labels: int, shape: str
    ) -> RidgeEstimator:
        return fit_ridge(TextVectors(*self.analyzers), inputs, labels, n_labels, shape)

    def takes_too_long(self, inputs: Sequence[str], n_labels: int) -> bool:
        return self.analyzers != (WORDS,) and characters_take_too_long(inputs, n_labels)


WORD = LinearCandidate("word TF-IDF, linear", (WORDS,))
WORD_CHAR = LinearCandidate("word and character TF-IDF, linear", WORDS_AND_CHARACTERS)
CHAR = LinearCandidate("character TF-IDF, linear", (CHARACTERS_2_5,))
SHORT_CHAR = LinearCandidate("short character TF-IDF, linear", SHORT_CHARACTERS)


class TextModality(Modality):
    """Each text as it is read; equal ones differ in case and white space at most.

    With an encoder there are candidates that need the `sentence` vectors of texts as well.
    """

    pipeline = "text_classification"
    noun = "text"
    column = "text"
    column_type = "text"
    candidates: tuple[Candidate, ...] = (WORD, WORD_CHAR, CHAR, SHORT_CHAR)
    input: TextInput

    def __init__(
        self,
        read: TextInput | None = None,
        sentence: Sequence[Candidate] = (),
        preferred: Candidate | None = None,
    ) -> None:
        self.input = read or TextInput()
        self.candidates = (*self.candidates, *sentence)
        self._preferred = preferred

    def source(self, target: TargetSpec) -> Hashable:
        return target.sources, target.control_tag == "Pairwise"

    def candidates_for(self, inputs: Sequence[str], n_labels: int) -> tuple[Candidate, ...]:
        """Short characters alone where most of the letters are of scripts without spaces: there a
        word is a clause, which occurs once. Both kinds are compared where the texts are mixed.

        With words where characters would take too long.
        """
        share = share_without_spaces(inputs)
        left_out: tuple[Candidate, ...] = (SHORT_CHAR,)
        if share >= _SOME_WITHOUT_SPACES and not characters_take_too_long(inputs, n_labels):
            left_out = (WORD, CHAR) if share < MOST_WITHOUT_SPACES else (WORD, CHAR, WORD_CHAR)
        return tuple(candidate for candidate in self.candidates if candidate not in left_out)

    def preferred_for(self, inputs: Sequence[str]) -> Candidate | None:
        """With an encoder. In scripts without spaces short characters alone: the encoder that is
        the default reads a character there where it reads a word in English.
        """
        if self._preferred is None or share_without_spaces(inputs) < MOST_WITHOUT_SPACES:
            return self._preferred
        return SHORT_CHAR

    def input_of(self, estimators: Sequence[Estimator]) -> TextInput:
        """Without the encoder where no estimator reads its vectors."""
        features = [getattr(estimator, "features", None) for estimator in estimators]
        return self.input if any(hasattr(one, "encoder") for one in features) else TextInput()

    def fit_columns(self, inputs: Sequence[str], seed: int) -> TextColumns:
        return fit_columns(inputs, seed)

    def columns_take_too_long(self, inputs: Sequence[str]) -> bool:
        return characters_take_too_long(inputs, 0)


def read_model(parts: Parts) -> Classifier:
    """The model of a version, from the parts of its artifact.

    Raises ArtifactInvalid, and TrainingFailed as `SentenceVectors.from_parts` does.
    """
    known = {features.kind: features for features in _FEATURES}
    return Classifier.from_parts(TextModality.pipeline, TextInput(), parts, known)
