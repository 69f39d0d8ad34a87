"""The files of a Hugging Face model: where they are, what is lacking, which weights they hold.

Only safetensors are read. The other format is a pickle: whoever wrote it runs code in the
process that opens it, and PyTorch's `weights_only` reader has been got around before.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
# What says how the weights are to be used: those of images, and those of texts.
OF_IMAGES = ("config.json", "preprocessor_config.json")
OF_TEXTS = ("config.json", "tokenizer.json")
# What to do where the hub does not have it, or cannot be reached.
HUB_HINT = "Check the name, or copy the model to a folder of this machine and say hf:FOLDER."

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
_MAX_NAME = 1000


def is_name(name: str) -> bool:
    """Whether it could be a model's name on the hub, or a folder."""
    readable = name.isprintable() and name == name.strip() and len(name) <= _MAX_NAME
    return readable and bool(_HUB_NAME.fullmatch(name) or _is_path(name))


def local_folder(name: str) -> Path | None:
    """The folder that the name means, whether or not it exists; None for a name on the hub."""
    folder = Path(name).expanduser()
    if _is_path(name) or (folder / "config.json").is_file():
        return folder
    return None


def lacking(folder: Path, needed: Sequence[str]) -> str | None:
    """What the folder lacks of these files and of weights, in a line; None if nothing."""
    if not folder.is_dir():
        return f"{folder} is no folder."
    absent = [name for name in needed if not (folder / name).is_file()]
    if absent:
        return f"{folder} has no {absent[0]}."
    if not (folder / WEIGHTS).is_file() and not (folder / INDEX).is_file():
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        only = f", only {pickled[0]}, and pickled weights are not opened" if pickled else ""
        return f"{folder} has no {WEIGHTS}{only}."
    try:
        absent = [path.name for path in weights(folder) if not path.is_file()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"{INDEX} in {folder} cannot be read."
    return f"{folder} has no {absent[0]}." if absent else None


def weights(folder: Path) -> list[Path]:
    """The files of the weights, by name; several where they are sharded."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    return [folder / name for name in sorted({Path(n).name for n in index["weight_map"].values()})]


def digest(folder: Path, names: Sequence[str]) -> str:
    """SHA-256 of the weights, in hex, after the files that say how they are to be used.

    The same weights behind another size or normalisation of images make other features.
    """
    whole = hashlib.sha256()
    for path in [*(folder / name for name in names), *weights(folder)]:
        with open(path, "rb") as f:
            while chunk := f.read(1 << 20):
                whole.update(chunk)
    return whole.hexdigest()


def stamp(folder: Path, names: Sequence[str]) -> tuple[tuple[str, int, int], ...]:
    """What changes when these files of the folder do, or its weights."""
    files = [folder / name for name in names] + weights(folder)
    return tuple((p.name, p.stat().st_mtime_ns, p.stat().st_size) for p in files)


def label(name: str) -> str:
    """A short plain name of the model: the hub's, or that of the folder alone."""
    plain = name if local_folder(name) is None else Path(name).expanduser().resolve().name
    return re.sub(r"[^A-Za-z0-9._/-]+", "-", plain).strip("-")[:200] or "model"


def download(name: str, needed: Sequence[str], may_have: Sequence[str] = ()) -> Path:
    """The model, with these files of it, from the hub's cache on this machine, else from the hub.

    So what a version was trained with stays what it was, whatever the hub has now. Raises what the
    hub's client raises.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    patterns = [*needed, *may_have, "model*.safetensors", INDEX]
    with suppress(LocalEntryNotFoundError):
        cached = Path(snapshot_download(name, allow_patterns=patterns, local_files_only=True))
        if lacking(cached, needed) is None:
            return cached
    return Path(snapshot_download(name, allow_patterns=patterns))


def _is_path(name: str) -> bool:
    return name.startswith(("/", "./", "../", "~/")) or name.count("/") > 1
