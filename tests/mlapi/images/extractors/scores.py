"""The quality of features: the scores of plain methods of scikit-learn on them."""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


def svm_accuracy(features: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy of a support vector machine (RBF) on a fifth that it was not fitted on."""
    return _accuracy(SVC(C=10), features, labels)


def linear_accuracy(features: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy of logistic regression on a fifth that it was not fitted on."""
    return _accuracy(make_pipeline(StandardScaler(), LogisticRegression(C=0.01)), features, labels)


def precision_at(k: int, features: np.ndarray, labels: np.ndarray) -> float:
    """Share of each image's k nearest by cosine similarity that have its label."""
    return float((labels[nearest(k, features)] == labels[:, None]).mean())


def nearest(k: int, features: np.ndarray) -> np.ndarray:
    """(n, k): each image's k nearest others by cosine similarity; the rows are of length 1."""
    similarity = features @ features.T
    np.fill_diagonal(similarity, -2)
    return np.argsort(-similarity, axis=1)[:, :k]


def clustered(features: np.ndarray, labels: np.ndarray, k: int) -> float:
    """The adjusted Rand index of k-means."""
    return float(adjusted_rand_score(labels, _k_means(features, k, n_init=5)))


def clustered_by_silhouette(features: np.ndarray, labels: np.ndarray) -> tuple[int, float]:
    """The k of 2..15 with the best silhouette, and the adjusted Rand index with it."""
    best = (-2.0, 0, 0.0)
    for k in range(2, 16):
        found = _k_means(features, k, n_init=1)
        silhouette = silhouette_score(features, found)
        best = max(best, (silhouette, k, adjusted_rand_score(labels, found)))
    return best[1], float(best[2])


def _accuracy(estimator, features: np.ndarray, labels: np.ndarray) -> float:
    split = train_test_split(features, labels, test_size=0.2, random_state=0, stratify=labels)
    train, test, train_labels, test_labels = split
    return float(estimator.fit(train, train_labels).score(test, test_labels))


def _k_means(features: np.ndarray, k: int, *, n_init: int) -> np.ndarray:
    return KMeans(k, n_init=n_init, random_state=0).fit_predict(features)
