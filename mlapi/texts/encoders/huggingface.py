"""A sentence encoder of transformers. Imports torch and transformers."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from mlapi.domain import TrainingFailed, first_line
from mlapi.texts.encoders.huggingface_model import FOLDER_HINT
from mlapi.texts.encoders.windows import WindowEncoder

logging.set_verbosity_error()
logging.disable_progress_bar()

_THREADS = 4
_LONG = "one two three four " * 1_000  # more than a window of any size


class HuggingFaceEncoder(WindowEncoder):
    """By a model of transformers. One thread at a time is inside the model."""

    runs_at_once = False  # PyTorch has threads of its own

    def __init__(self, model: Any, tokenizer: Any, name: str, tokens: int) -> None:
        self._model = model
        self._lock = threading.Lock()
        super().__init__(tokenizer, name, tokens)

    def _sums(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        with self._lock, torch.inference_mode():
            hidden = self._model(**inputs).last_hidden_state
            return torch.einsum("nts,nt->ns", hidden, inputs["attention_mask"].float()).numpy()


def load(folder: Path, name: str, tokens: int) -> HuggingFaceEncoder:
    """The model in a folder that lacks nothing. No code that comes with a model is run.

    Raises TrainingFailed: encoder_broken.
    """
    torch.set_num_threads(min(_THREADS, torch.get_num_threads()))
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=True, **local).backend_tokenizer
        tokenizer.no_padding()
        tokenizer.no_truncation()
        model, info = AutoModel.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, **local
        )
        model = model.float().eval()
    except Exception as e:  # transformers raises whatever lies in the way
        raise _broken(f"{folder} is no model that loads: {first_line(e)}") from e
    # What the file lacks is made up at random. A pooler often is lacking, and is not read here.
    needed = [key for key in sorted(info["missing_keys"]) if "pooler" not in key]
    if needed:
        raise _broken(f"{folder} has no weights for {needed[0]} ({len(needed)} are lacking).")
    try:
        made = HuggingFaceEncoder(model, tokenizer, name, tokens)
        among, alone = made.encode(["a text", _LONG]), made.encode([_LONG])
    except Exception as e:  # a model of images, of sounds, of shorter texts, of something else
        raise _broken(f"{folder} makes no vectors of {tokens} tokens: {first_line(e)}") from e
    if not np.allclose(among[1], alone[0], atol=1e-4):
        raise _broken(f"{folder} gives another vector of a text each time, or none.")
    return made


def _broken(message: str) -> TrainingFailed:
    return TrainingFailed("encoder_broken", message, hint=FOLDER_HINT)
