"""The linear recipes: TF-IDF of words, or of words and characters, with ridge regression.

Ridge on +-1 targets was chosen side by side with LinearSVC, logistic regression and
complement naive Bayes in 5-fold cross-validation on 1,200 and 2,400 short texts of six classes:
within noise of the best of them (0.79 and 0.84 on average; a split of 240 varies by 0.03),
deterministic, and one estimator for one label and for several.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeClassifier

from mlapi.pipelines.base import Kind

WORD = "word TF-IDF, linear"
WORD_CHAR = "word and character TF-IDF, linear"
RECIPES = (WORD, WORD_CHAR)

# Words and every other sign by itself, so that no text that has a character has no token.
_WORD_OR_SIGN = r"(?u)\w+|[^\w\s]"
_MAX_FEATURES = 200_000
# Of a long text its words tell enough, and its characters would take ten times their time.
_CHARACTERS = 1_000
# A fit takes about 0.3 us for each character that is read, times the labels and ten more: a
# minute or two at most. The bound is no clock, so that the same data give the same version.
_MOST_WORK = 400_000_000
# What an estimator says of a label that it has not seen: below every score of ridge.
UNSEEN = -10.0
_LEAST = UNSEEN + 1


def takes_too_long(recipe: str, texts: Sequence[str], n_labels: int) -> bool:
    """Whether a fit of the recipe would take more than some two minutes of one core."""
    if recipe != WORD_CHAR:
        return False
    return sum(min(len(text), _CHARACTERS) for text in texts) * (10 + n_labels) > _MOST_WORK


def _beginning(text: str) -> str:
    return text[:_CHARACTERS].lower()


class TextVectors:
    """The recipe's transformer from texts to float32 features: words, or words and characters.

    What scikit-learn's FeatureUnion does, without its detour over joblib, which took a tenth
    of the time of predicting one text.
    """

    def __init__(self, recipe: str) -> None:
        shared = {"sublinear_tf": True, "dtype": np.float32, "max_features": _MAX_FEATURES}
        self.parts = [TfidfVectorizer(token_pattern=_WORD_OR_SIGN, **shared)]
        if recipe == WORD_CHAR:
            self.parts.append(
                TfidfVectorizer(
                    analyzer="char_wb", ngram_range=(3, 5), preprocessor=_beginning, **shared
                )
            )

    def fit_transform(self, texts: Sequence[str]) -> csr_matrix:
        return self._beside([part.fit_transform(texts) for part in self.parts])

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        return self._beside([part.transform(texts) for part in self.parts])

    def __getstate__(self) -> dict[str, Any]:
        """Without what is of this process only: scikit-learn keeps an address, `id(None)`."""
        parts = [copy(part) for part in self.parts]
        for part in parts:
            vars(part).pop("_stop_words_id", None)
        return {"parts": parts}

    @staticmethod
    def _beside(matrices: list[csr_matrix]) -> csr_matrix:
        return matrices[0] if len(matrices) == 1 else hstack(matrices, format="csr")


@dataclass
class LinearEstimator:
    """A fitted recipe. `classes` are the columns that ridge knows, of the target's labels."""

    features: TextVectors | None
    ridge: RidgeClassifier | None
    classes: np.ndarray
    n_labels: int

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """(n, n_labels): the higher, the more of that label; UNSEEN where it was not learned."""
        scores = np.full((len(texts), self.n_labels), UNSEEN)
        if self.ridge is None:
            scores[:, self.classes] = 1.0
            return scores
        decided = self.ridge.decision_function(self.features.transform(texts))
        if decided.ndim == 1:  # two classes have one score, of the second
            decided = decided[:, None] if len(self.classes) == 1 else np.c_[-decided, decided]
        scores[:, self.classes] = np.maximum(decided, _LEAST)
        return scores

    @property
    def nbytes(self) -> int:
        """What it takes in memory: coefficients, and some 150 bytes for a term of a vocabulary."""
        if self.ridge is None:
            return 0
        terms = self.ridge.coef_.shape[-1]
        return int(self.ridge.coef_.nbytes + 150 * terms)


def fit(
    recipe: str, texts: Sequence[str], labels: np.ndarray, n_labels: int, kind: Kind
) -> LinearEstimator:
    """Fit a recipe.

    `labels` is (n,) of label numbers for `single`, (n, n_labels) of 0 and 1 for `multiple`.
    Deterministic: the same texts in the same order give the same estimator.
    """
    if kind == "single":
        classes = np.unique(labels)
        constant = len(classes) == 1
    else:
        classes = np.flatnonzero(labels.any(axis=0))
        constant = len(classes) == 0
    if constant:
        return LinearEstimator(None, None, classes, n_labels)
    features = TextVectors(recipe)
    matrix = features.fit_transform(texts)
    wanted = labels if kind == "single" else labels[:, classes]
    if kind == "multiple" and len(classes) == 1:
        if wanted.all():  # ridge takes no single class
            return LinearEstimator(None, None, classes, n_labels)
        wanted = wanted[:, 0]
    ridge = RidgeClassifier(alpha=1.0).fit(matrix, wanted)
    # A term's coefficients side by side, as SciPy multiplies them: else it copies all of them
    # for each prediction, 20 ms for 50 labels of 270,000 terms.
    ridge.coef_ = np.asfortranarray(ridge.coef_)
    return LinearEstimator(features, ridge, classes, n_labels)
