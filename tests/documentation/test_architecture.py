"""The map of the code: what it names exists, and it names the layers that are enforced."""

import re
import tomllib

import pytest

from tests.documentation.pages import ROOT, text_of

PAGE = "docs/architecture.md"
# Where a path on the page may begin: a package is not repeated in its own paragraph.
PLACES = ("", "mlapi", "registry", "mlapi/pipelines/image_similarity")


def exists(path: str) -> bool:
    return any(
        (ROOT / place / path).exists() or (ROOT / place / f"{path}.py").exists() for place in PLACES
    )


@pytest.mark.parametrize(("page", "least"), [(PAGE, 40), ("docs/processes.md", 8)])
def test_every_path_on_the_map_exists(page, least):
    text = text_of(page)
    paths = set(re.findall(r"`((?:[\w-]+/)+[\w.-]*|\w+\.py)`", text))
    charted = {
        name.strip() for line in re.findall(r"<br>([^\"]+)\"", text) for name in line.split(",")
    }
    assert len(paths | charted) >= least
    assert [path for path in sorted(paths | charted) if not exists(path)] == []


def test_the_layers_on_the_map_are_those_that_are_enforced():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = [
        c for c in config["tool"]["importlinter"]["contracts"] if c.get("containers") == ["mlapi"]
    ]
    section = text_of(PAGE).split("The layers of `mlapi`")[1].split("`make lint`")[0]
    lines = re.findall(r"^\d+\. (.*)$", section, re.MULTILINE)
    layers = [set(re.findall(r"`(\w+)`", line)) for line in lines]
    enforced = [set(layer.split(" | ")) for layer in contract["layers"]]
    assert layers == enforced
