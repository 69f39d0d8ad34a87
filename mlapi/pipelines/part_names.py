"""Names of the parts of a version: that of the pipeline, with a number where it has several."""

from collections import Counter
from collections.abc import Sequence


def named(pipelines: Sequence[str]) -> list[str]:
    """A name for a part of each of these pipelines, in which one may be several times."""
    several = {name for name, n in Counter(pipelines).items() if n > 1}
    seen: Counter[str] = Counter()
    names = []
    for pipeline in pipelines:
        seen[pipeline] += 1
        names.append(f"{pipeline}/{seen[pipeline]}" if pipeline in several else pipeline)
    return names


def pipeline_of(name: str) -> str:
    """The pipeline of the part with this name."""
    return name.partition("/")[0]
