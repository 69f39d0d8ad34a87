"""The images of a run's folder: which address is which content, and the features of each.

The parent process writes the vectors that are stored and the files of the other images; the child
adds the features that it makes, and the parent stores those. The folder of a run has

- `images.jsonl`: for each address `{"address", "sha256", "file"}`, `file` only where features
  are missing, or `{"address", "code", "message"}` where the image is unavailable; where models
  read pixels also `"pixels"`: the file of today, or `{"code", "message"}`;
- `features/<n>.npz`: an extractor's name, contents (SHA-256) and their vectors, a row each.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mlapi.domain import InputError
from mlapi.images.features import ExtractorRef, InputSource, SizedImage

_NOT_PREPARED = InputError("image_missing", "The image was not prepared for this process.")
_NO_FEATURES = InputError("image_not_embedded", "The image has no features of this extractor.")


@dataclass
class FolderImageStore(InputSource):
    """The contents of the folder; `errors` are of contents that cannot be read.

    `pixels` are the files that images are read from, by address.
    """

    contents: dict[str, str | InputError] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    features: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    errors: dict[str, InputError] = field(default_factory=dict)
    pixels: dict[str, Path | InputError] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "FolderImageStore":
        """The store of the folder; empty for a run without images."""
        store = cls()
        listed = folder / "images.jsonl"
        for line in listed.read_text(encoding="utf-8").splitlines() if listed.exists() else ():
            store._add(json.loads(line), folder)
        for path in sorted((folder / "features").glob("*.npz")):
            extractor, found = read_features(path)
            store.features.setdefault(extractor, {}).update(found)
        return store

    def _add(self, row: Mapping[str, Any], folder: Path) -> None:
        address = row["address"]
        if "pixels" in row:
            file = row["pixels"]
            self.pixels[address] = folder / file if isinstance(file, str) else InputError(**file)
        if "code" in row:
            self.contents[address] = InputError(row["code"], row["message"])
            return
        self.contents[address] = row["sha256"]
        if row.get("file"):
            self.files[row["sha256"]] = folder / row["file"]

    def vectors(
        self, extractor: ExtractorRef, addresses: Sequence[str]
    ) -> list[np.ndarray | InputError]:
        known = self.features.get(extractor.name, {})
        return [self._vector(known, address) for address in addresses]

    def _vector(self, known: Mapping[str, np.ndarray], address: str) -> np.ndarray | InputError:
        content = self.contents.get(address, _NOT_PREPARED)
        if isinstance(content, InputError):
            return content
        found = known.get(content)
        return self.errors.get(content, _NO_FEATURES) if found is None else found

    def images(self, max_side: int, addresses: Sequence[str]) -> list[SizedImage | InputError]:
        from mlapi.images.decoding import read_or_error

        return [read_or_error(self.file(address), max_side) for address in addresses]

    def file(self, address: str) -> Path | InputError:
        """The file that an image is read from, or why there is none; for inputs that read files."""
        return self.pixels.get(address, _NOT_PREPARED)

    def content(self, address: str) -> str | None:
        """The SHA-256 of the image's file; None where it is unavailable."""
        found = self.contents.get(address)
        return found if isinstance(found, str) else None

    def missing(self, extractor: ExtractorRef, addresses: Sequence[str]) -> Iterator[str]:
        """The distinct contents that are files of the folder and have no features yet."""
        known = self.features.get(extractor.name, {})
        contents = dict.fromkeys(filter(None, map(self.content, addresses)))
        return (c for c in contents if c not in known and c in self.files)


def write_features(
    folder: Path, name: str, extractor: str, found: Mapping[str, np.ndarray]
) -> None:
    """Write vectors by content as `features/<name>.npz`, whole or not at all."""
    (folder / "features").mkdir(exist_ok=True)
    path = folder / "features" / f"{name}.npz"
    partial = path.with_suffix(".partial")
    rows = np.stack(list(found.values())) if found else np.empty((0, 0))
    with open(partial, "wb") as file:
        np.savez(
            file,
            extractor=np.array(extractor),
            contents=np.array(list(found), dtype=str),
            vectors=rows.astype(np.float32),
        )
    partial.replace(path)


def read_features(path: Path) -> tuple[str, dict[str, np.ndarray]]:
    """What `write_features` wrote: the extractor's name, and vectors by content."""
    with np.load(path, allow_pickle=False) as file:
        contents, vectors = file["contents"].tolist(), file["vectors"]
        return str(file["extractor"]), dict(zip(contents, vectors, strict=True))
