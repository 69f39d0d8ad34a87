"""The product's requirements are what it imports, and what is loaded by name with a reason."""

import ast
import re
import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions

import pytest

from .running import ROOT

PACKAGES = ("evals_backend", "mlapi", "registry", "samples")
TOOLS = ("tests", "benchmarks")
CLIENT = "evals_client"  # of client/, whose pyproject.toml has its own requirements
# Of benchmarks/peer, which runs in an environment of its own.
PEERS = {"label_studio_ml", "model"}
# The vision extra, and what it brings: requirements-vision.txt; requirements-yolo.txt; the sentence
# encoder.
OPTIONAL = {
    *("torch", "transformers", "huggingface_hub", "safetensors"),
    *("ultralytics", "onnxruntime", "tokenizers"),
}
NAME = re.compile(r"[A-Za-z0-9._-]+")


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def listed(text: str) -> dict[str, str]:
    """Each requirement's comment, by its normalised name."""
    found = {}
    for line in text.splitlines():
        requirement, _, comment = line.partition("#")
        if requirement.strip():
            found[normalised(NAME.match(requirement)[0])] = comment.strip()
    return found


def imported(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """The modules from elsewhere that these packages import, each with a file that does."""
    found = {}
    for package in packages:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    names = [node.module]
                else:
                    continue
                for name in names:
                    found[name.partition(".")[0]] = str(path.relative_to(ROOT))
    own = {*PACKAGES, *TOOLS, *sys.stdlib_module_names, *OPTIONAL, CLIENT}
    return {name: where for name, where in found.items() if name not in own}


@pytest.fixture(scope="module")
def requirements() -> dict[str, str]:
    return listed((ROOT / "requirements.in").read_text())


def test_whatever_is_imported_is_required(requirements):
    distributions = packages_distributions()
    missing = {
        name: where
        for name, where in imported().items()
        if not {normalised(d) for d in distributions[name]} & set(requirements)
    }
    assert missing == {}


def test_whatever_tests_and_benchmarks_import_is_required_for_development(requirements):
    distributions = packages_distributions()
    required = {*requirements, *listed((ROOT / "requirements-dev.in").read_text())}
    missing = {
        name: where
        for name, where in imported(TOOLS).items()
        if name not in PEERS and not {normalised(d) for d in distributions.get(name, [])} & required
    }
    assert missing == {}


def test_each_requirement_is_imported_or_has_a_comment_that_says_why(requirements):
    distributions = packages_distributions()
    used = {normalised(d) for name in imported() for d in distributions[name]}
    idle = {name for name, why in requirements.items() if name not in used and not why}
    assert idle == set()


def test_the_packages_of_the_mission_are_required(requirements):
    required = {"django", "djangorestframework", "evadb", "psycopg2-binary", "django-q2"}
    assert required <= set(requirements)
    assert "pytest-django" in listed((ROOT / "requirements-dev.in").read_text())


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-encoder"])
def test_the_lock_has_whatever_is_required(name):
    locked = set(re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / f"{name}.txt").read_text(), re.M))
    lines = (ROOT / f"{name}.in").read_text().splitlines()
    required = listed("\n".join(line for line in lines if not line.startswith("-")))
    assert set(required) <= {normalised(one) for one in locked}
