"""The head: from a window's features the probability of each label, and the box around the object.

Two small networks on the principal components of the features, one for the label and one for the
box, as in Fast R-CNN (Girshick, 2015).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from mlapi.pipelines.object_detection.engines.patches import channels

CELLS = 8  # of a crop's side
SIZE = CELLS * CELLS * channels.CHANNELS + 1  # features of a window
_AROUND = 0.125  # of a box's side, on each side: what surrounds an object tells where it ends
_COMPONENTS = 200
_HIDDEN = 96
_BATCH = 256
_DECAY = 1e-2
_SCALE = 5.0  # of offsets, whose spread is a fifth


def describe(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(n, SIZE) float32: what the boxes of an image look like, and their aspect."""
    boxes = boxes.astype(np.float64)
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = sides * (0.5 + _AROUND)
    crops = channels.of_crops(
        image, np.concatenate([centres - half, centres + half], axis=1), CELLS, CELLS
    )
    aspect = np.log(sides[:, :1] / sides[:, 1:])
    return np.concatenate([crops.reshape(len(boxes), SIZE - 1), aspect], axis=1, dtype=np.float32)


@dataclass(frozen=True)
class Layers:
    """A network of one hidden layer of rectified linear units."""

    hidden: np.ndarray
    hidden_bias: np.ndarray
    out: np.ndarray
    out_bias: np.ndarray

    @classmethod
    def of(cls, network: MLPClassifier | MLPRegressor) -> "Layers":
        arrays = (*zip(network.coefs_, network.intercepts_, strict=True),)
        return cls(*(a.astype(np.float32) for pair in arrays for a in pair))

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        return np.maximum(rows @ self.hidden + self.hidden_bias, 0) @ self.out + self.out_bias


@dataclass(frozen=True)
class Head:
    """`mean` and `components` are (SIZE) and (SIZE, components)."""

    mean: np.ndarray
    components: np.ndarray
    labels: Layers
    boxes: Layers

    def __call__(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n, labels) probabilities without the background's, and (n, 4) offsets to the box."""
        rows = (features - self.mean) @ self.components
        scores = self.labels(rows)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities = scores / scores.sum(axis=1, keepdims=True)
        return probabilities[:, :-1], self.boxes(rows) / _SCALE


@dataclass(frozen=True)
class Samples:
    """Windows: `labels` are numbers of labels, or their count for the background.

    `offsets` are to the object's box, of the windows that are near one.
    """

    features: np.ndarray
    labels: np.ndarray
    near: np.ndarray  # bool
    offsets: np.ndarray  # (n, 4), zeros where not near


def fit(
    samples: Samples, n_labels: int, *, epochs: int, seed: int, deadline: Callable[[], None]
) -> Head:
    """The head of these windows, of which at least one is an object."""
    # Products of small matrices: a second thread would wait for the first.
    with threadpool_limits(1, user_api="blas"):
        return _fitted(samples, n_labels, epochs, seed, deadline)


def _fitted(
    samples: Samples, n_labels: int, epochs: int, seed: int, deadline: Callable[[], None]
) -> Head:
    rows, mean, components = _reduced(samples.features, seed, deadline)
    shared = {
        "hidden_layer_sizes": (_HIDDEN,),
        "batch_size": min(_BATCH, len(rows)),
        "alpha": _DECAY,
        "random_state": seed,
    }
    labels = MLPClassifier(**shared)
    for epoch in range(epochs):
        deadline()
        labels.set_params(learning_rate_init=_rate(epoch / epochs))
        labels.partial_fit(rows, samples.labels, classes=np.arange(n_labels + 1))
    near = rows[samples.near]
    boxes = MLPRegressor(**{**shared, "batch_size": min(_BATCH, len(near))})
    for epoch in range(epochs):
        deadline()
        boxes.set_params(learning_rate_init=_rate(epoch / epochs))
        boxes.partial_fit(near, samples.offsets[samples.near] * _SCALE)
    return Head(mean, components, _label_layers(labels), Layers.of(boxes))


def _rate(done: float) -> float:
    """The learning rate when that share of the epochs is done."""
    return 2e-3 if done < 0.7 else 3e-4


def _reduced(
    features: np.ndarray, seed: int, deadline: Callable[[], None]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    deadline()
    count = min(_COMPONENTS, *features.shape)
    found = PCA(count, svd_solver="covariance_eigh", random_state=seed).fit(features)
    deadline()
    # The first components of gradients are the strongest, not the most telling.
    spread = np.sqrt(found.explained_variance_ + found.explained_variance_.mean())
    components = (found.components_.T / spread).astype(np.float32)
    mean = found.mean_.astype(np.float32)
    return (features - mean) @ components, mean, components


def _label_layers(network: MLPClassifier) -> Layers:
    found = Layers.of(network)
    if found.out.shape[1] > 1:
        return found
    # Of two classes scikit-learn has one output: the logit of the second, the background.
    zeros = np.zeros_like(found.out)
    out = np.concatenate([zeros, found.out], axis=1)
    bias = np.concatenate([np.zeros_like(found.out_bias), found.out_bias])
    return Layers(found.hidden, found.hidden_bias, out, bias)
