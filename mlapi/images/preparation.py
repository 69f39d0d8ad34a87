"""Prepares the images of a run in its folder, and stores the features of the training after it.

The training child has neither database nor network: stored vectors are given to it, of other
images the files, and the vectors that it makes are stored with the tasks. Where models read pixels
it is given the files of all images.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

import numpy as np
from more_itertools import chunked

from mlapi.domain import InputError, TargetSpec
from mlapi.images.addresses import read_address
from mlapi.images.feature_store import FeatureStore, StoredFeature
from mlapi.images.features import ExtractorRef
from mlapi.images.folder_store import read_features, write_features
from mlapi.media.reader import Fetched, MediaReader
from registry.errors import EvalsError
from registry.formatting import image_counts_text
from registry.models import Project

_ROWS = 2_000  # vectors in memory at once
_STORED = "stored"  # begins the name of a file of vectors that the child need not make
NO_TIME = InputError(
    "image_pending", "There was no time left to fetch the image; the next run goes on."
)


class ImagesUnavailable(EvalsError):
    """None of the images of a run is available."""

    code = "images_unavailable"


@dataclass
class ImagePreparation:
    """The images of one run. `named`: the tasks that name each address.

    `all_files`: the folder has the file of each image, and not only of those without features.
    """

    name: ClassVar[str] = "images"
    phase: ClassVar[str] = "downloading images"
    products: ClassVar[str] = "features"

    project: Project
    folder: Path
    stores: list[FeatureStore]
    all_files: bool = False
    named: dict[str, list[int]] = field(default_factory=dict)
    contents: dict[str, str | InputError] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    _stored: set[tuple[str, int, str]] = field(default_factory=set)
    # By address the name of its file of today, or why it has none; with `all_files`.
    _pixels: dict[str, str | InputError] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        project: Project,
        folder: Path,
        extractors: Sequence[ExtractorRef],
        targets: Sequence[TargetSpec],
        rows: Iterable[dict[str, Any]],
        *,
        all_files: bool = False,
    ) -> "ImagePreparation":
        """The images of the targets in the dataset's rows, for these extractors."""
        stores = [FeatureStore(project, e, targets) for e in extractors]
        found = cls(project, folder, stores, all_files)
        for row in rows:
            for target in targets:
                try:
                    address = read_address(row["data"], target)
                except InputError:
                    continue
                found.named.setdefault(address, []).append(row["id"])
        return found

    def prepare(self, check: Callable[[], None], seconds: float) -> None:
        """Writes `images.jsonl` and the stored features, and downloads the other images.

        `check` is called often, and raises to stop. What could not be downloaded in so many
        seconds is left out: the next run goes on from there, because files stay in the cache.
        Raises ImagesUnavailable.
        """
        lacking: set[str] = set()
        for store in self.stores:
            lacking |= set(self.named) - self._write_stored(store, check)
        addresses = self.named if self.all_files else lacking
        files = self._download(sorted(addresses), lacking, check, monotonic() + seconds)
        unknown = {c for a in lacking if isinstance(c := self.contents[a], str)}
        for store in self.stores:
            self._write_known_contents(store, [c for c in files if c in unknown])
        self._write_list(files)
        if self.named and not any(isinstance(c, str) for c in self.contents.values()):
            raise ImagesUnavailable(f"None of {len(self.named)} images can be read: {self.why}")

    def prepare_stored(self) -> None:
        """As `prepare` without a download: for the load check of a version."""
        for store in self.stores:
            self._write_stored(store, lambda: None)
        self._write_list(self._link_cached() if self.all_files else {})

    @property
    def why(self) -> str:
        """The most common reasons why images are unavailable."""
        errors = Counter(
            (c.code, c.message) for c in self.contents.values() if isinstance(c, InputError)
        )
        return "; ".join(f"{code}, {message} ({n})" for (code, message), n in errors.most_common(3))

    def prepared_text(self) -> str:
        return f"{image_counts_text(self.counts)}."

    def stored_text(self) -> str:
        return f"{self.counts['embedded']} images embedded."

    def store(self) -> None:
        """Store the features that the child has made, also if it failed or was stopped."""
        embedded: set[tuple[str, str]] = set()
        stores = {store.extractor.name: store for store in self.stores}
        tasks: dict[str, list[tuple[int, str]]] = {}
        for address, content in self.contents.items():
            if isinstance(content, str):
                tasks.setdefault(content, []).extend((t, address) for t in self.named[address])
        for path in sorted((self.folder / "features").glob("*.npz")):
            extractor, found = read_features(path)
            if not path.name.startswith(_STORED):
                embedded |= {(extractor, content) for content in found}
            stores[extractor].save(
                StoredFeature(task, address, content, vector)
                for content, vector in found.items()
                for task, address in tasks.get(content, ())
                if (extractor, task, address) not in self._stored
            )
        self.counts["embedded"] = len(embedded)

    def _write_stored(self, store: FeatureStore, check: Callable[[], None]) -> set[str]:
        """Writes the stored vectors of the dataset's addresses; the addresses that have one."""
        found: set[str] = set()
        written: set[str] = set()
        for number, addresses in enumerate(chunked(self.named, _ROWS)):
            check()
            vectors = {}
            for stored in store.by_address(addresses):
                self._stored.add((store.extractor.name, stored.task, stored.address))
                self.contents[stored.address] = stored.content
                found.add(stored.address)
                if stored.content not in written:
                    vectors[stored.content] = stored.vector
            written |= set(vectors)
            self._write(store, f"{_STORED}-{number}", vectors)
        self.counts["cached"] = len(found) if store is self.stores[0] else self.counts["cached"]
        return found

    def _download(
        self,
        addresses: list[str],
        lacking: Container[str],
        check: Callable[[], None],
        until: float,
    ) -> dict[str, str]:
        """By content the name of its file in the folder, linked as soon as it is downloaded:
        the cache keeps it for a minute only. `lacking` are the addresses without features.
        """
        files: dict[str, str] = {}
        (self.folder / "images").mkdir(exist_ok=True)
        with MediaReader(self.project) as reader:
            for address, fetched in reader.fetch_each(addresses, check, until):
                if isinstance(fetched, InputError):
                    # Stored features of one extractor count, though the file is unavailable now.
                    self.contents.setdefault(address, fetched)
                    self._pixels[address] = fetched
                    continue
                # Stored features stay those of the file that they were made of.
                if address in lacking or address not in self.contents:
                    self.contents[address] = fetched.sha256
                self._pixels[address] = self._link(fetched, files)
            self.counts |= {"images": len(self.named), "downloaded": reader.read}
        for address in addresses:
            self.contents.setdefault(address, NO_TIME)
            self._pixels.setdefault(address, NO_TIME)
        self.counts["unavailable"] = sum(
            isinstance(content, InputError)
            or (self.all_files and isinstance(self._pixels[address], InputError))
            for address, content in self.contents.items()
        )
        return files

    def _link_cached(self) -> dict[str, str]:
        """As `_download`, of the files that the cache has."""
        files: dict[str, str] = {}
        (self.folder / "images").mkdir(exist_ok=True)
        with MediaReader(self.project) as reader:
            for address in self.named:
                fetched = reader.in_cache(address)
                if fetched is not None:
                    self.contents.setdefault(address, fetched.sha256)
                    self._pixels[address] = self._link(fetched, files)
        return files

    def _link(self, fetched: Fetched, files: dict[str, str]) -> str:
        """A name of our own for the file, which stays if the cache drops it meanwhile.

        `files` are the names so far by content, and get this one.
        """
        if fetched.sha256 in files:
            return files[fetched.sha256]
        name = files[fetched.sha256] = f"images/{len(files)}"
        try:
            os.link(fetched.path, self.folder / name)
        except OSError:
            shutil.copyfile(fetched.path, self.folder / name)
        return name

    def _write_known_contents(self, store: FeatureStore, downloaded: Sequence[str]) -> None:
        """Writes the vectors of downloaded images that are stored under another address."""
        for number, contents in enumerate(chunked(downloaded, _ROWS)):
            self._write(store, f"{_STORED}-too-{number}", store.by_content(contents))

    def _write(self, store: FeatureStore, name: str, vectors: dict[str, np.ndarray]) -> None:
        if vectors:
            place = self.stores.index(store)
            write_features(self.folder, f"{name}-{place}", store.extractor.name, vectors)

    def _write_list(self, files: dict[str, str]) -> None:
        with open(self.folder / "images.jsonl", "w", encoding="utf-8") as listed:
            for address, content in sorted(self.contents.items()):
                row: dict[str, Any] = {"address": address}
                if isinstance(content, InputError):
                    row |= {"code": content.code, "message": content.message}
                else:
                    row |= {"sha256": content, "file": files.get(content)}
                if self.all_files and address in self._pixels:
                    row["pixels"] = _file_or_reason(self._pixels[address])
                listed.write(json.dumps(row) + "\n")


def _file_or_reason(file: str | InputError) -> str | dict[str, str]:
    return file if isinstance(file, str) else {"code": file.code, "message": file.message}
