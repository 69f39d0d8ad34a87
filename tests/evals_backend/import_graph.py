"""The imports between modules as import-linter sees them, and which modules lie on cycles."""

from collections import defaultdict

import grimp

Graph = dict[str, set[str]]


def between_files(*packages: str) -> Graph:
    """By module what it imports of these packages; also in functions and for type checkers."""
    graph = grimp.build_graph(*packages, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def between_units(files: Graph) -> Graph:
    """The same between the modules and packages that lie directly in one of the packages."""
    units = defaultdict(set)
    for module, imported in files.items():
        units[unit(module)] |= {unit(other) for other in imported} - {unit(module)}
    return dict(units)


def unit(module: str) -> str:
    """`mlapi.media.reader` is of the unit `mlapi.media`."""
    return ".".join(module.split(".")[:2])


def in_cycles(graph: Graph) -> list[str]:
    """The modules that import themselves by way of others."""
    return sorted(module for module in graph if module in _reached(graph, module))


def _reached(graph: Graph, start: str) -> set[str]:
    reached: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += graph.get(module, ())
    return reached
