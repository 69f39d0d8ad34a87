"""What sentence encoders read of a text: windows of its tokens. Imports none that encodes."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import numpy as np

MOST_WINDOWS = 4  # of a long text: what follows hardly ever changes its class
_BATCH = 16  # windows; more takes memory, and no less time
_BATCH_TOKENS = 256  # padding too: what a batch takes of memory goes by it
_Batch = list[tuple[int, list[int]]]  # windows: the text's row, and the ids of the tokens
_CHARACTERS_OF_A_TOKEN = 12  # a text is cut at so many for each token that may be read


class WindowEncoder(ABC):
    """Texts as the mean of a model's last hidden states, of unit length.

    A text that is longer than `tokens` is read in windows of that length, and the mean is taken
    over all of them. `tokenizer` is one of `tokenizers`, which neither pads nor cuts.
    """

    runs_at_once: ClassVar[bool] = True  # whether several threads make several batches faster

    def __init__(self, tokenizer: Any, name: str, tokens: int) -> None:
        """Raises whatever the tokenizer and the model raise."""
        self.name = name
        self._tokenizer = tokenizer
        self._first, self._last = _around(tokenizer)
        self._window = tokens - len(self._first) - len(self._last)
        self.size = self.encode([""]).shape[1]

    def encode(self, texts: Sequence[str], threads: int = 1) -> np.ndarray:
        """(n, size) float32, the same with any number of threads."""
        windows = [(row, ids) for row, text in enumerate(texts) for ids in self._windows(text)]
        sums: dict[int, np.ndarray] = {}
        batches = list(_batches(windows))
        for batch, found in zip(batches, self._sums_of(batches, threads), strict=True):
            for (row, _), one in zip(batch, found, strict=True):
                sums[row] = sums[row] + one if row in sums else one
        if not sums:
            return np.empty((0, self.size), np.float32)
        vectors = np.stack([sums[row] for row in range(len(texts))])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)

    def _sums_of(self, batches: list[_Batch], threads: int) -> Iterator[np.ndarray]:
        """The sums of each batch, in their order."""
        padded = [_padded([ids for _, ids in batch]) for batch in batches]
        if threads == 1 or len(batches) == 1 or not self.runs_at_once:
            yield from itertools.starmap(self._sums, padded)
            return
        with ThreadPoolExecutor(threads) as pool:
            yield from pool.map(self._sums, *zip(*padded, strict=True))

    @abstractmethod
    def _sums(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """(n, size): the hidden states of each window's tokens, added up, without the padding."""

    def _windows(self, text: str) -> Iterator[list[int]]:
        most = MOST_WINDOWS * self._window
        # Tokenizers take no lone surrogate.
        cut = text[: _CHARACTERS_OF_A_TOKEN * most].encode("utf-8", "replace").decode()
        ids = self._tokenizer.encode(cut, add_special_tokens=False).ids[:most]
        for start in range(0, max(1, len(ids)), self._window):
            # Models without special tokens have none for an empty text.
            yield [*self._first, *ids[start : start + self._window], *self._last] or [0]


def _batches(windows: _Batch) -> Iterator[_Batch]:
    """Of like length together, because all of a batch are as long as its longest."""
    batch: _Batch = []
    for window in sorted(windows, key=lambda one: len(one[1])):
        if batch and (len(batch) == _BATCH or (len(batch) + 1) * len(window[1]) > _BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def _padded(windows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """The tokens (n, longest), and the mask that is 0 where a window has none."""
    shape = len(windows), max(map(len, windows))
    ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, window in enumerate(windows):
        ids[row, : len(window)], mask[row, : len(window)] = window, 1
    return ids, mask


def _around(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The special tokens before and after a text's own."""
    own = tokenizer.encode("a", add_special_tokens=False).ids
    whole = tokenizer.encode("a").ids
    for start in range(len(whole) - len(own) + 1):
        if whole[start : start + len(own)] == own:
            return whole[:start], whole[start + len(own) :]
    return [], []
