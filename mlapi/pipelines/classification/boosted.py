"""AutoML's estimator: numeric columns and XGBoost's trees, predicted and written without FLAML.

EvaDB's AutoML takes no text and no vectors, so inputs become a few numeric columns.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self
from weakref import WeakValueDictionary

import numpy as np

from mlapi.pipelines.classification.candidates import UNSEEN
from mlapi.pipelines.parts import Parts

SIZE = 64  # as many as the EvaDB function has outputs


class NumericColumns(ABC):
    """Fitted on the inputs that an estimator will be fitted on, never on those it is scored on.

    `kind` is its name in artifacts, for good.
    """

    kind: ClassVar[str]
    nbytes: int

    @abstractmethod
    def columns(self, inputs: Sequence[Any]) -> np.ndarray:
        """(n, SIZE) float32; the last columns are 0 where there are fewer dimensions."""

    @abstractmethod
    def to_parts(self) -> dict[str, Any]:
        """What an artifact has of it, without its kind."""

    @classmethod
    @abstractmethod
    def from_parts(cls, parts: Parts) -> Self:
        """What `to_parts` wrote. Raises ArtifactInvalid."""


def filled(reduced: np.ndarray) -> np.ndarray:
    """(n, at most SIZE) as (n, SIZE) float32, with zeros."""
    found = np.zeros((len(reduced), SIZE), dtype=np.float32)
    found[:, : reduced.shape[1]] = reduced
    return found


# By the name of the EvaDB function that gives them; EvaDB makes its function anew at every bind.
# They are here for as long as the estimator that has them.
in_this_process: WeakValueDictionary[str, NumericColumns] = WeakValueDictionary()


@dataclass
class BoostedTrees:
    """`content` is the booster in XGBoost's own binary JSON (UBJ).

    `used` are the columns that it reads, `medians` what FLAML puts where one of them is NaN.
    """

    content: bytes
    used: np.ndarray
    medians: np.ndarray
    n_classes: int
    _booster: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        from xgboost import Booster  # takes half a second, and few versions have trees

        self._booster = Booster(model_file=bytearray(self.content))
        self._booster.set_param({"nthread": 1})  # it predicts in threads of the web server

    @classmethod
    def of(cls, model: Any, names: list[str]) -> "BoostedTrees":
        """A fitted FLAML AutoML whose learner is XGBoost, on columns of these names."""
        prepared = model._transformer
        used = np.array([names.index(name) for name in prepared._num_columns], dtype=np.int64)
        (_, imputer, _) = prepared.transformer.transformers_[0]
        content = bytes(model.model.estimator.get_booster().save_raw("ubj"))
        return cls(content, used, imputer.statistics_, len(model.classes_))

    def probabilities(self, columns: np.ndarray) -> np.ndarray:
        """(n, classes) float32."""
        read = columns[:, self.used]
        read = np.where(np.isnan(read), self.medians, read).astype(np.float32, copy=False)
        found = self._booster.inplace_predict(read, validate_features=False)
        return found if found.ndim == 2 else np.stack([1 - found, found], axis=1)

    @property
    def nbytes(self) -> int:
        return 2 * len(self.content)

    def to_parts(self) -> dict[str, Any]:
        return {"booster": self.content, "used": self.used, "medians": self.medians}

    @classmethod
    def from_parts(cls, parts: Parts, n_columns: int, n_classes: int) -> "BoostedTrees":
        used = parts.places("used", n_columns)
        medians = parts.array("medians", len(used))
        try:
            trees = cls(parts.data("booster"), used, medians, n_classes)
            learner = json.loads(trees._booster.save_config())["learner"]
            n_trained = max(2, int(learner["learner_model_param"]["num_class"]))
            n_used = trees._booster.num_features()
        except (ValueError, KeyError) as e:
            raise parts.wrong(f"XGBoost does not read its booster: {e}") from None
        if (n_used, n_trained) != (len(used), n_classes):
            raise parts.wrong("the booster has other columns or classes.")
        return trees


@dataclass
class AutoMLEstimator:
    """The features and the trees; `classes` are the target's label numbers of their classes."""

    kind: ClassVar[str] = "boosted_trees"
    needs: ClassVar[tuple[str, ...]] = ("scikit-learn", "xgboost")

    features: NumericColumns
    trees: BoostedTrees
    classes: np.ndarray
    n_labels: int

    def scores(self, inputs: Sequence[Any]) -> np.ndarray:
        """(n, n_labels): log probabilities; UNSEEN for labels that it has not learned."""
        found = np.full((len(inputs), self.n_labels), UNSEEN)
        probabilities = self.trees.probabilities(self.features.columns(inputs))
        found[:, self.classes] = np.log(np.clip(probabilities, 1e-4, 1))
        return found

    @property
    def nbytes(self) -> int:
        return self.features.nbytes + self.trees.nbytes

    def to_parts(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "n_labels": self.n_labels,
            "classes": self.classes,
            "features": {"kind": self.features.kind, **self.features.to_parts()},
            "trees": self.trees.to_parts(),
        }

    @classmethod
    def from_parts(
        cls, parts: Parts, known: Mapping[str, type[NumericColumns]]
    ) -> "AutoMLEstimator":
        """`known` are the columns of the pipeline by their kinds."""
        n_labels = parts.count("n_labels")
        classes = parts.places("classes", n_labels)
        described = parts.part("features")
        features = described.one_of("kind", known).from_parts(described)
        trees = BoostedTrees.from_parts(parts.part("trees"), SIZE, len(classes))
        return cls(features, trees, classes, n_labels)
