"""A sentence encoder in ONNX. Imports onnxruntime and tokenizers."""

import ctypes
from contextlib import suppress

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from mlapi.domain import TrainingFailed, first_line
from mlapi.texts.encoders.windows import WindowEncoder

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class SentenceEncoder(WindowEncoder):
    """By an ONNX model. One thread runs one call; any threads may call at once."""

    def __init__(self, model: bytes, tokenizer: bytes, name: str, tokens: int) -> None:
        """Raises TrainingFailed: encoder_broken."""
        try:
            self._session = _session(model)
            self._inputs = [i.name for i in self._session.get_inputs()]
            if not set(self._inputs) <= set(_INPUTS):
                raise ValueError(f"its inputs are {', '.join(self._inputs)}")
            super().__init__(_tokenizer(tokenizer), name, tokens)
        except Exception as e:  # whatever onnxruntime and tokenizers raise
            message = f"{name} is no sentence encoder that loads: {first_line(e)}"
            raise TrainingFailed("encoder_broken", message) from e
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)  # 60 MB of what the session was made with

    def _sums(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        values = dict(zip(_INPUTS, (ids, mask, np.zeros_like(ids)), strict=True))
        (hidden, *_) = self._session.run(None, {name: values[name] for name in self._inputs})
        return np.einsum("nts,nt->ns", hidden, mask.astype(np.float32))


def _tokenizer(content: bytes) -> Tokenizer:
    tokenizer = Tokenizer.from_buffer(content)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _session(model: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it keeps what the largest batch took
    options.enable_mem_pattern = False  # likewise, for each shape of a batch
    options.log_severity_level = 3
    for pool in ("intra", "inter"):
        options.add_session_config_entry(f"session.{pool}_op.allow_spinning", "0")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
