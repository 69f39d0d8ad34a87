"""Brings the images of a run to its folder before the training, and keeps what was seen after.

The training child has neither database nor network: what is kept is given to it as vectors,
what is not is given as files, and the vectors that it makes are kept with the tasks.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from more_itertools import chunked

from mlapi.domain import ExtractorRef, InputProblem
from mlapi.images.addresses import read_address
from mlapi.images.folder_store import read_features, write_features
from mlapi.images.online import from_bytes, to_bytes
from mlapi.media.reader import Fetched, MediaReader
from mlapi.run_folder.job import TrainingJob
from registry.acts import features
from registry.acts.features import Seen, address_key
from registry.errors import EvalsError
from registry.models import Feature, Project

_ROWS = 2_000  # vectors in memory at once
_KEPT = "kept"
NO_TIME = InputProblem(
    "picture_not_yet", "There was no time left to fetch the image; the next run goes on."
)


class ImagesUnavailable(EvalsError):
    """None of the images that a run would learn from can be had."""

    code = "pictures_unavailable"


@dataclass
class ImagePreparation:
    """The images of one run. `named`: by address the tasks that name it."""

    project: Project
    folder: Path
    extractors: list[ExtractorRef]
    named: dict[str, list[int]] = field(default_factory=dict)
    contents: dict[str, str | InputProblem] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    _kept: set[tuple[str, int, str]] = field(default_factory=set)

    @classmethod
    def for_job(
        cls, project: Project, job: TrainingJob, rows: Iterable[dict[str, Any]]
    ) -> "ImagePreparation":
        """Those that the dataset's rows name; the champion's extractor sees them as well."""
        extractors = [job.extractor] if job.extractor else []
        theirs = job.champion.extractor if job.champion else None
        if theirs and theirs not in extractors:
            extractors.append(theirs)
        found = cls(project, job.folder, extractors)
        for row in rows:
            for target in job.targets:
                try:
                    address = read_address(row["data"], target)
                except InputProblem:
                    continue
                found.named.setdefault(address, []).append(row["id"])
        return found

    def prepare(self, check: Callable[[], None], seconds: float) -> None:
        """Write `images.jsonl` and the kept features, and fetch what is not kept.

        `check` is called often, and raises to stop. What could not be fetched in so many seconds
        takes no part: the next run goes on from there, because files stay in the cache. Raises
        ImagesUnavailable.
        """
        lacking: set[str] = set()
        for extractor in self.extractors:
            lacking |= set(self.named) - self._write_kept(extractor, check)
        files = self._fetch(sorted(lacking), check, monotonic() + seconds)
        for extractor in self.extractors:
            self._write_known_contents(extractor, files)
        self._write_list(files)
        if self.named and not any(isinstance(c, str) for c in self.contents.values()):
            raise ImagesUnavailable(f"None of {len(self.named)} images can be read: {self.why}")

    def prepare_stored(self) -> None:
        """As `prepare`, with nothing fetched: for a trial of a version that was trained before."""
        for extractor in self.extractors:
            self._write_kept(extractor, lambda: None)
        self._write_list({})

    @property
    def why(self) -> str:
        """The most common reasons why images cannot be had."""
        problems = Counter(
            (c.code, c.message) for c in self.contents.values() if isinstance(c, InputProblem)
        )
        return "; ".join(f"{code}, {said} ({n})" for (code, said), n in problems.most_common(3))

    def save_features(self) -> None:
        """Keep the features that the child has made, also of one that failed or was ended."""
        embedded: set[tuple[str, str]] = set()
        tasks: dict[str, list[tuple[int, str]]] = {}
        for address, content in self.contents.items():
            if isinstance(content, str):
                tasks.setdefault(content, []).extend((t, address) for t in self.named[address])
        for path in sorted((self.folder / "features").glob("*.npz")):
            extractor, found = read_features(path)
            if not path.name.startswith(_KEPT):
                embedded |= {(extractor, content) for content in found}
            rows = [
                Seen(task, address, content, to_bytes(vector))
                for content, vector in found.items()
                for task, address in tasks.get(content, ())
                if (extractor, task, address) not in self._kept
            ]
            features.keep(self.project, extractor, rows)
        self.counts["embedded"] = len(embedded)

    def _write_kept(self, extractor: ExtractorRef, check: Callable[[], None]) -> set[str]:
        """The kept vectors of the dataset's addresses, into the folder; the addresses with one."""
        there: set[str] = set()
        written: set[str] = set()
        for number, addresses in enumerate(chunked(self.named, _ROWS)):
            check()
            by_key = {address_key(address): address for address in addresses}
            rows = Feature.objects.filter(
                project=self.project, extractor=extractor.name, address__in=list(by_key)
            ).values_list("task", "address", "content", "vector")
            vectors = {}
            for task, key, content, vector in rows:
                address = by_key[key]
                self._kept.add((extractor.name, task, address))
                self.contents[address] = content
                there.add(address)
                if content not in written:
                    vectors[content] = from_bytes(vector)
            written |= set(vectors)
            self._write(extractor, f"{_KEPT}-{number}", vectors)
        self.counts["kept"] = len(there) if extractor == self.extractors[0] else self.counts["kept"]
        return there

    def _fetch(
        self, addresses: list[str], check: Callable[[], None], until: float
    ) -> dict[str, str]:
        """By content the name of its file in the folder, where it is linked as soon as it is there:
        the cache guards it for a minute only.
        """
        files: dict[str, str] = {}
        (self.folder / "images").mkdir(exist_ok=True)
        with MediaReader(self.project) as reader:
            for address, fetched in reader.fetch_each(addresses, check, until):
                if isinstance(fetched, InputProblem):
                    # What is kept of it for one extractor is worth more than that it is gone.
                    self.contents.setdefault(address, fetched)
                    continue
                self.contents[address] = fetched.sha256
                if fetched.sha256 not in files:
                    files[fetched.sha256] = self._link(fetched, len(files))
            self.counts |= {"pictures": len(self.named), "read": reader.read}
        for address in addresses:
            self.contents.setdefault(address, NO_TIME)
        self.counts["unavailable"] = sum(
            isinstance(content, InputProblem) for content in self.contents.values()
        )
        return files

    def _link(self, fetched: Fetched, number: int) -> str:
        """A name of our own for the file, which stays if the cache drops it meanwhile."""
        name = f"images/{number}"
        try:
            os.link(fetched.path, self.folder / name)
        except OSError:
            shutil.copyfile(fetched.path, self.folder / name)
        return name

    def _write_known_contents(self, extractor: ExtractorRef, files: dict[str, str]) -> None:
        """Images that another task has under another address were seen already."""
        for number, contents in enumerate(chunked(files, _ROWS)):
            kept = Feature.objects.filter(
                project=self.project, extractor=extractor.name, content__in=contents
            )
            vectors = {c: from_bytes(v) for c, v in kept.values_list("content", "vector")}
            self._write(extractor, f"{_KEPT}-too-{number}", vectors)

    def _write(self, extractor: ExtractorRef, name: str, vectors: dict[str, np.ndarray]) -> None:
        if vectors:
            place = self.extractors.index(extractor)
            write_features(self.folder, f"{name}-{place}", extractor.name, vectors)

    def _write_list(self, files: dict[str, str]) -> None:
        with open(self.folder / "images.jsonl", "w", encoding="utf-8") as listed:
            for address, content in sorted(self.contents.items()):
                row: dict[str, Any] = {"address": address}
                if isinstance(content, InputProblem):
                    row |= {"code": content.code, "message": content.message}
                else:
                    row |= {"sha256": content, "file": files.get(content)}
                listed.write(json.dumps(row) + "\n")
