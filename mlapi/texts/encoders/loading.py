"""Loads the sentence encoder that a project's option `encoder` names, or says why it cannot."""

import importlib.util
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from mlapi.domain import TrainingFailed, first_line
from mlapi.texts.encoders import huggingface_model, model_files
from mlapi.texts.refs import EncoderRef, full_name, tokens_of

_PACKAGES = ("onnxruntime", "tokenizers")


class Encoder(Protocol):
    """Makes texts vectors. Shared by all threads of a process."""

    name: str
    size: int

    def encode(self, texts: Sequence[str], threads: int = 1) -> np.ndarray:
        """(n, size) float32, rows of unit length, the same with any number of threads."""


_lock = threading.Lock()
_loaded: dict[str, Encoder] = {}  # by full name; a process has those that it has encoded by
_verified: set[str] = set()  # full names


def unavailable(encoder: str) -> TrainingFailed | None:
    """Why the encoder cannot be used here, as far as is known without reading its files.

    Codes: encoder_missing, vision_missing. Imports nothing that it needs.
    """
    if huggingface_model.is_prefixed(encoder):
        return huggingface_model.unavailable(encoder)
    for package in _PACKAGES:
        if importlib.util.find_spec(package) is None:
            message = f"The package {package} is not installed."
            return TrainingFailed("encoder_missing", message)
    try:
        model_files.find(encoder)
    except TrainingFailed as failure:
        return failure
    return None


def reference(encoder: str, tokens: int) -> EncoderRef:
    """What names the encoder that the option names today; its model is not loaded.

    Raises TrainingFailed: encoder_missing, encoder_broken, vision_missing.
    """
    _require_available(encoder)
    if huggingface_model.is_prefixed(encoder):
        digest = huggingface_model.digest(huggingface_model.find(encoder))
        return EncoderRef(encoder, full_name(huggingface_model.label(encoder), digest, tokens))
    files = model_files.find(encoder)
    *_, digest = model_files.read_verified(files)
    return EncoderRef(encoder, full_name(files.label, digest, tokens))


def encoder_for(ref: EncoderRef) -> Encoder:
    """The encoder of that name, loaded once in a process.

    Raises TrainingFailed: encoder_missing, encoder_broken, vision_missing, and encoder_changed
    where its option names another one today.
    """
    with _lock:
        if ref.encoder_name not in _loaded:
            _loaded[ref.encoder_name] = _load(ref)
        return _loaded[ref.encoder_name]


def load_from(folder: Path, ref: EncoderRef) -> None:
    """Load the encoder of that name from the files of an export, for `encoder_for`.

    Raises TrainingFailed as that does.
    """
    with _lock:
        if ref.encoder_name not in _loaded:
            _loaded[ref.encoder_name] = _by_onnx(model_files.exported(folder, ref), ref)


def require(ref: EncoderRef) -> None:
    """Reads and verifies the encoder's files, once in a process; the model is not loaded.

    A process that finds all vectors stored never loads it, which takes some 100 MB. Raises
    TrainingFailed as `encoder_for` does.
    """
    with _lock:
        if ref.encoder_name not in _verified and ref.encoder_name not in _loaded:
            _require_available(ref.encoder)
            if huggingface_model.is_prefixed(ref.encoder):
                _verified_folder(ref)
            else:
                model_files.read_named(model_files.find(ref.encoder), ref)
            _verified.add(ref.encoder_name)


def _require_available(encoder: str) -> None:
    failure = unavailable(encoder)
    if failure is not None:
        raise failure


def _load(ref: EncoderRef) -> Encoder:
    _require_available(ref.encoder)
    if huggingface_model.is_prefixed(ref.encoder):
        return _by_transformers(_verified_folder(ref), ref)
    return _by_onnx(model_files.find(ref.encoder), ref)


def _verified_folder(ref: EncoderRef) -> Path:
    """The folder of a model of transformers, if it is the one of that name."""
    folder = huggingface_model.find(ref.encoder)
    label = huggingface_model.label(ref.encoder)
    model_files.check_name(label, huggingface_model.digest(folder), ref)
    return folder


def _by_transformers(folder: Path, ref: EncoderRef) -> Encoder:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # no threads of its own
    try:
        from mlapi.texts.encoders.huggingface import load
    except Exception as e:  # a broken torch raises ImportError, OSError, RuntimeError
        message = f"torch and transformers do not import: {first_line(e)}"
        raise TrainingFailed("vision_missing", message) from e
    return load(folder, ref.encoder_name, tokens_of(ref.encoder_name))


def _by_onnx(files: model_files.ModelFiles, ref: EncoderRef) -> Encoder:
    model, tokenizer = model_files.read_named(files, ref)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # no threads of its own
    try:
        from mlapi.texts.encoders.sentence_encoder import SentenceEncoder
    except Exception as e:  # of a library that does not load
        message = f"onnxruntime does not import: {e}"
        raise TrainingFailed("encoder_broken", message) from e
    return SentenceEncoder(model, tokenizer, ref.encoder_name, tokens_of(ref.encoder_name))
