"""Clusters vectors by k-means, with the k that is given or by the silhouette."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score

MAX_TRIED = 20  # clusters; the option `clusters` may be larger
_MIN_PER_CLUSTER = 3  # images of a cluster, on average, for that many clusters to be tried
_SAMPLE = 2_000  # of which a silhouette is taken: it compares each with each
_FITTED = 20_000  # k-means learns its centres from so many at most
_STARTS = 10
# While k is sought: ten times as fast, and the best k is fitted again in all dimensions.
_STARTS_TO_TRY = 3
_DIMENSIONS_TO_TRY = 50


@dataclass(frozen=True)
class Clustering:
    """The centres (k, features), and the silhouette of each k that was tried."""

    centres: np.ndarray
    tried: dict[int, float]


def cluster(
    vectors: np.ndarray,
    k: int | None,
    most: int,
    seed: int,
    on_k: Callable[[int, float], None] = lambda k, silhouette: None,
) -> Clustering:
    """Clusters n vectors into at most `most` clusters.

    Without `k` the one with the largest silhouette is taken (Rousseeuw 1987). The same
    vectors and seed give the same clusters.
    """
    rng = np.random.default_rng(seed)
    vectors = _some(vectors, _FITTED, rng)
    distinct = len(np.unique(vectors, axis=0))
    if k is not None:
        return Clustering(_fit(vectors, min(k, distinct), seed).cluster_centers_, {})
    most = max(2, min(most, MAX_TRIED, distinct - 1, len(vectors) // _MIN_PER_CLUSTER))
    reduced = _reduced(vectors, seed)
    tried: dict[int, float] = {}
    for n in range(2, most + 1):
        score = silhouette(reduced, _fit(reduced, n, seed, _STARTS_TO_TRY).labels_, seed)
        tried[n] = -1.0 if score is None else score
        on_k(n, tried[n])
    best = max(tried, key=lambda n: tried[n])
    return Clustering(_fit(vectors, best, seed).cluster_centers_, tried)


def nearest(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(n,) the nearest centre of each vector."""
    return ((centres**2).sum(axis=1) - 2 * vectors @ centres.T).argmin(axis=1)


def silhouette(vectors: np.ndarray, clusters: np.ndarray, seed: int) -> float | None:
    """The silhouette of a sample, because it compares each with each (Rousseeuw 1987).

    None where the sample lies in one cluster, or each image in one of its own.
    """
    sample = _some(np.arange(len(vectors)), _SAMPLE, np.random.default_rng(seed))
    labels = clusters[sample]
    if not 2 <= len(np.unique(labels)) < len(labels):
        return None
    return float(silhouette_score(vectors[sample], labels))


def _fit(vectors: np.ndarray, k: int, seed: int, starts: int = _STARTS) -> KMeans:
    return KMeans(k, n_init=starts, random_state=seed).fit(vectors)


def _reduced(vectors: np.ndarray, seed: int) -> np.ndarray:
    """The vectors by their first principal components."""
    if min(vectors.shape) <= _DIMENSIONS_TO_TRY:
        return vectors
    return PCA(_DIMENSIONS_TO_TRY, random_state=seed).fit_transform(vectors)


def _some(rows: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= most else rows[np.sort(rng.permutation(len(rows))[:most])]
