"""A tiny BERT with random weights and a tokenizer of its own, saved as Hugging Face saves them."""

from pathlib import Path
from typing import Any

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_PART = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}


def save(
    folder: Path, words: list[str], seed: int = 0, positions: int = 128, **options: Any
) -> str:
    """Save a model that knows these words; the value of the option `encoder` that names it."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True)
    vocabulary = [*_SPECIAL, *dict.fromkeys(words)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    torch.manual_seed(seed)
    config = BertConfig(
        **_PART,
        intermediate_size=32,
        vocab_size=len(vocabulary),
        max_position_embeddings=positions,
        initializer_range=0.5,
    )
    BertModel(config).save_pretrained(folder, **options)
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    return f"hf:{folder}"
