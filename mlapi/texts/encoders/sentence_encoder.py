"""A sentence encoder in ONNX. Imports onnxruntime and tokenizers."""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from mlapi.texts.encoders import errors

MOST_WINDOWS = 4  # of a long text: what follows hardly ever changes its class
_BATCH = 16  # windows; more takes memory, and no less time
_BATCH_TOKENS = 256  # padding too: what a batch takes of memory goes by it
_CHARACTERS_OF_A_TOKEN = 12  # a text is cut at so many for each token that may be read
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class SentenceEncoder:
    """Texts as the mean of the model's last hidden states, of unit length.

    A text that is longer than `tokens` is read in windows of that length, and the mean is taken
    over all of them. One thread runs one call; any threads may call at once.
    """

    def __init__(self, model: bytes, tokenizer: bytes, name: str, tokens: int) -> None:
        """Raises TrainingFailed: encoder_broken."""
        self.name = name
        try:
            self._tokenizer = _tokenizer(tokenizer)
            self._session = _session(model)
            self._inputs = [i.name for i in self._session.get_inputs()]
            self._first, self._last = _around(self._tokenizer)
            self._window = tokens - len(self._first) - len(self._last)
            if not set(self._inputs) <= set(_INPUTS):
                raise ValueError(f"its inputs are {', '.join(self._inputs)}")
            self.size = self.encode([""]).shape[1]
        except Exception as e:  # whatever onnxruntime and tokenizers raise
            line = str(e).splitlines()[0] if str(e) else type(e).__name__
            raise errors.broken(
                f"{name} is no sentence encoder that loads: {line}"
            ).failure() from e
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)  # 60 MB of what the session was made with

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(n, size) float32."""
        windows = [(row, ids) for row, text in enumerate(texts) for ids in self._windows(text)]
        sums: dict[int, np.ndarray] = {}
        for batch in _batches(windows):
            found = self._sums([ids for _, ids in batch])
            for (row, _), one in zip(batch, found, strict=True):
                sums[row] = sums[row] + one if row in sums else one
        if not sums:
            return np.empty((0, self.size), np.float32)
        vectors = np.stack([sums[row] for row in range(len(texts))])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)

    def _windows(self, text: str) -> Iterator[list[int]]:
        most = MOST_WINDOWS * self._window
        # Tokenizers take no lone surrogate.
        cut = text[: _CHARACTERS_OF_A_TOKEN * most].encode("utf-8", "replace").decode()
        ids = self._tokenizer.encode(cut, add_special_tokens=False).ids[:most]
        for start in range(0, max(1, len(ids)), self._window):
            yield [*self._first, *ids[start : start + self._window], *self._last]

    def _sums(self, windows: list[list[int]]) -> np.ndarray:
        """(n, size): the hidden states of each window's tokens, added up."""
        shape = len(windows), max(map(len, windows))
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, window in enumerate(windows):
            ids[row, : len(window)], mask[row, : len(window)] = window, 1
        values = dict(zip(_INPUTS, (ids, mask, np.zeros_like(ids)), strict=True))
        (hidden, *_) = self._session.run(None, {name: values[name] for name in self._inputs})
        return np.einsum("nts,nt->ns", hidden, mask.astype(np.float32))


def _batches(windows: list[tuple[int, list[int]]]) -> Iterator[list[tuple[int, list[int]]]]:
    """Of like length together, because all of a batch are as long as its longest."""
    batch: list[tuple[int, list[int]]] = []
    for window in sorted(windows, key=lambda one: len(one[1])):
        if batch and (len(batch) == _BATCH or (len(batch) + 1) * len(window[1]) > _BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


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


def _around(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """The special tokens before and after a text's own."""
    own = tokenizer.encode("a", add_special_tokens=False).ids
    whole = tokenizer.encode("a").ids
    for start in range(len(whole) - len(own) + 1):
        if whole[start : start + len(own)] == own:
            return whole[:start], whole[start + len(own) :]
    return [], []
