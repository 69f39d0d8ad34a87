"""The champion's own estimator in a loop on decoded texts, without EvaDB, HTTP and regions.

`python -m benchmarks.limits.estimator UID TEXTS` in the environment of a server. Prints the
vectorisers that it can be measured with: `own`, the product's, and `scikit-learn`, where the
champion reads only words and characters. Then for each line `VECTORISER BATCH SECONDS` how many
texts it did a second in batches of that size, so that several can be started at one moment. Nothing
else in the benchmark of serving imports the product.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# One thread each, as in the server: the processes are what uses the cores. Set before NumPy loads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evals_backend.settings")

import numpy as np  # noqa: E402

from benchmarks.limits import OWN, SCIKIT_LEARN  # noqa: E402

Probabilities = Callable[[Sequence[str]], np.ndarray]


def main() -> None:
    """Load the champion, then predict as each line says."""
    import django

    uid, file = sys.argv[1:]
    django.setup()
    measured = vectorisers(trained_target(uid))
    texts = Path(file).read_text().splitlines()
    for probabilities in measured.values():
        probabilities(texts[:1])
    print(*measured, flush=True)
    for line in sys.stdin:
        vectoriser, batch, seconds = line.split()
        print(rate(measured[vectoriser], texts, int(batch), float(seconds)), flush=True)


def trained_target(uid: str) -> Any:
    """What the project's champion predicts its first target with: estimator and calibration."""
    from mlapi.model_cache import predictor_for
    from registry.models import Project

    champion = Project.objects.select_related("champion").get(uid=uid).champion
    (part,) = predictor_for(champion).parts.values()
    return part.model.targets[0]


def vectorisers(target: Any) -> dict[str, Probabilities]:
    """By the vectoriser's name the same probabilities of texts."""
    from mlapi.pipelines.text_classification.features import TextVectors

    found: dict[str, Probabilities] = {OWN: target.probabilities}
    estimator = target.estimator
    if isinstance(estimator.features, TextVectors) and len(estimator.classes) == estimator.n_labels:
        found[SCIKIT_LEARN] = of_scikit_learn(target)
    return found


def of_scikit_learn(target: Any) -> Probabilities:
    """The same numbers by scikit-learn's own vectoriser and decision function."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import RidgeClassifier

    parts = []
    for vocabulary in target.estimator.features.terms.vocabularies:
        analyzer = vocabulary.analyzer

        def cut(text: str, analyzer: Any = analyzer) -> list[str]:
            return [term for word in analyzer.words(text) for term in analyzer.terms(word)]

        part = TfidfVectorizer(analyzer=cut, sublinear_tf=True, dtype=np.float32)
        part.vocabulary_ = {term: i for i, term in enumerate(vocabulary.terms)}
        part.idf_ = vocabulary.idf
        parts.append(part)
    weights, calibrated = target.estimator.ridge, target.calibration.probabilities
    ridge = RidgeClassifier()
    ridge.coef_, ridge.intercept_ = weights.coef_, weights.intercept_
    ridge.n_features_in_ = weights.coef_.shape[-1]

    def probabilities(texts: Sequence[str]) -> np.ndarray:
        matrix = hstack([part.transform(texts) for part in parts], format="csr")
        decided = ridge.decision_function(matrix)
        if decided.ndim == 1:  # two classes have one score, of the second
            decided = np.column_stack([-decided, decided])
        return calibrated(decided)

    return probabilities


def rate(probabilities: Probabilities, texts: list[str], batch: int, seconds: float) -> float:
    """Texts a second."""
    batches = [texts[i : i + batch] for i in range(0, len(texts) - batch + 1, batch)]
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        probabilities(batches[done % len(batches)])
        done += 1
    return done * batch / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
