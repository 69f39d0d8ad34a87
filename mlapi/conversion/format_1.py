"""Reads artifacts of format 1, pickles of classes as they were called then, as today's parts.

Runs in the child process of a conversion only. The pickle's globals are looked up in no module:
arrays and dtypes are made by numpy, everything else that the allow-list lets through is an inert
`Record` of what was pickled, whatever the class is called or does today. So no code of a
pickle runs, nothing depends on the names or the insides of today's classes, and what comes
out is plain data that is written by its keys: it depends on today's format alone.
"""

import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mlapi.pipelines.artifact import Texts

# Whose classes are in the artifacts of format 1; of them only records are made.
_ROOTS = frozenset({"mlapi", "sklearn", "flaml", "xgboost", "pandas", "numpy"})
_RECORDS = frozenset(
    {
        ("builtins", "getattr"),  # bound methods, of FLAML's search
        ("builtins", "slice"),
        ("functools", "partial"),
    }
)


class NotConvertible(Exception):
    """The file is no artifact of format 1, or holds what such an artifact does not."""


class Record:
    """An object that was pickled, as the attributes that it had; it does nothing."""

    pickled_as = ("", "")

    def __new__(cls, *args: Any, **kwargs: Any) -> "Record":
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__["made_of"] = args

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):  # nothing that is read here has another one
            self.__dict__.update(state)

    def __call__(self, *args: Any, **kwargs: Any) -> "Record":
        return Record()

    def __setitem__(self, key: Any, value: Any) -> None:
        """An item of a subclass of dict: not needed."""

    def append(self, value: Any) -> None:
        """An item of a subclass of list: not needed."""

    def extend(self, values: Any) -> None:
        """Items of a subclass of list: not needed."""


def _frombuffer(buffer: bytes, dtype: np.dtype, shape: tuple[int, ...], order: Any) -> np.ndarray:
    """A contiguous array, as numpy's pickles of protocol 5 have them."""
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order=order)


def _reconstruct(kind: type, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An empty array, which its state fills."""
    return np.ndarray.__new__(np.ndarray, shape, dtype)


def _scalar(dtype: np.dtype, content: bytes) -> Any:
    return np.frombuffer(content, dtype=dtype)[0]


_ARRAYS: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    **{
        (f"{package}.{module}", name): make
        for package in ("numpy._core", "numpy.core")
        for module, name, make in (
            ("numeric", "_frombuffer", _frombuffer),
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _scalar),
        )
    },
}


class _Unpickler(pickle.Unpickler):
    """Makes arrays and records, and looks up nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ARRAYS:
            return _ARRAYS[module, name]
        if module.partition(".")[0] in _ROOTS or (module, name) in _RECORDS:
            return type("Record", (Record,), {"pickled_as": (module, name)})
        raise NotConvertible(f"The artifact holds {module}.{name}, which no version has.")


def parts_of(content: bytes, pipeline: str) -> dict[str, Any]:
    """The parts of today's format of an artifact of format 1. Raises NotConvertible."""
    try:
        payload = _Unpickler(io.BytesIO(content)).load()
        if not isinstance(payload, dict) or payload.get("format") != 1:
            raise NotConvertible("Not an artifact of format 1.")
        if payload.get("pipeline") != pipeline:
            raise NotConvertible(f"Not an artifact of {pipeline}.")
        return _MODELS[pipeline](payload)
    except NotConvertible:
        raise
    except Exception as e:  # whatever a pickle raises that is none, or holds other things
        raise NotConvertible(f"It cannot be read: {type(e).__name__}: {e}") from e


def _classifier(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "extractor": payload["extractor"],
        "targets": [_trained(target) for target in payload["targets"]],
    }


def _trained(target: Mapping[str, Any]) -> dict[str, Any]:
    estimator = target["estimator"]
    boosted = _kind(estimator) == "AutoMLEstimator"
    return {
        "spec": target["spec"],
        "needs": ["scikit-learn", "xgboost"] if boosted else ["scikit-learn"],
        "estimator": _boosted(estimator) if boosted else _ridge(estimator),
        "calibration": _calibration(target["calibration"]),
    }


def _calibration(calibration: Any) -> dict[str, Any]:
    if _kind(calibration) == "Temperature":
        return {"kind": "temperature", "temperature": float(calibration.temperature)}
    return {
        "kind": "sigmoids",
        "slopes": calibration.slopes,
        "intercepts": calibration.intercepts,
    }


def _ridge(estimator: Any) -> dict[str, Any]:
    parts = {"kind": "ridge", "n_labels": int(estimator.n_labels), "classes": estimator.classes}
    if estimator.ridge is None or estimator.features is None:
        return {**parts, "features": None, "ridge": None}
    return {
        **parts,
        "features": _features(estimator.features),
        "ridge": {
            "coef": estimator.ridge.coef_,
            "intercept": np.asarray(estimator.ridge.intercept_),
        },
    }


def _features(features: Any) -> dict[str, Any]:
    kind = _kind(features)
    if kind == "TextVectors":
        return {"kind": "tfidf", "terms": [_terms(part) for part in features.parts]}
    if kind == "Vectors":
        return {"kind": "centred", "mean": features.mean_}
    if kind == "Kernel":
        fitted = features.nystroem_
        return {
            "kind": "gaussian_kernel",
            "gamma": float(fitted.gamma),
            "components": fitted.components_,
            "normalization": fitted.normalization_,
        }
    if kind == "TextColumns":
        terms = [_terms(part) for part in features.tfidf.parts]
        return {"kind": "tfidf_svd", "terms": terms, "components": features.svd.components_}
    if kind == "VectorColumns":
        return {"kind": "pca", "components": features.pca.components_, "mean": features.pca.mean_}
    raise NotConvertible(f"Features of an unknown kind: {kind}.")


def _terms(part: Any) -> dict[str, Any]:
    terms = Texts(sorted(part.vocabulary_, key=part.vocabulary_.__getitem__))
    return {"terms": terms, "idf": part._tfidf.idf_}


def _boosted(estimator: Any) -> dict[str, Any]:
    """Of FLAML's AutoML: XGBoost's trees, and which columns they read."""
    from xgboost import Booster

    prepared = estimator.model._transformer
    ((_, imputer, _),) = prepared.transformer.transformers_
    pickled = estimator.model._trained_estimator._model._Booster
    booster = Booster()
    booster.__setstate__({"handle": bytearray(pickled.handle)})  # XGBoost's own format
    return {
        "kind": "boosted_trees",
        "n_labels": int(estimator.n_labels),
        "classes": estimator.classes,
        "features": _features(estimator.features),
        "trees": {
            "booster": bytes(booster.save_raw("ubj")),
            "used": np.array([int(name[1:]) for name in prepared._num_columns], dtype=np.int64),
            "medians": imputer.statistics_,
        },
    }


def _similarity(payload: Mapping[str, Any]) -> dict[str, Any]:
    names = ("spec", "label", "references", "vectors", "thresholds")
    target = {"needs": [], **{name: payload[name] for name in names}}
    return {"extractor": payload["extractor"], "targets": [target]}


def _clusters(payload: Mapping[str, Any]) -> dict[str, Any]:
    target = {"needs": [], **{name: payload[name] for name in ("spec", "names", "centres")}}
    return {"extractor": payload["extractor"], "targets": [target]}


def _kind(record: Any) -> str:
    """The name of the class that was pickled."""
    return record.pickled_as[1] if isinstance(record, Record) else type(record).__name__


_MODELS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "text_classification": _classifier,
    "image_classification": _classifier,
    "image_similarity": _similarity,
    "image_clusters": _clusters,
}
