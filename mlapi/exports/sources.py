"""The source of an export: the modules of this backend that predict, and the packages they need.

The modules are found by following imports from those of `mlapi.standalone`, and copied as they
are, under one package of their own. So an export predicts by the very code that serves. The
package is named by what is in it, so a process can load exports of any versions and releases.
"""

import ast
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from mlapi.standalone.model import MODULES

ENTRY = "mlapi.standalone.mlflow_model"
_ROOT = Path(__file__).resolve().parents[2]
_OURS = ("mlapi", "registry")
# Imported where a version needs it, by a function.
ENCODER = "mlapi.texts.encoders.sentence_encoder"
_PACKAGE = "evals_model"
_IMPORT = re.compile(rf"^(\s*(?:from|import)\s+)({'|'.join(_OURS)})\b", re.MULTILINE)


def entries(
    pipelines: Iterable[str], modules: Iterable[str] = (), *, with_encoder: bool
) -> tuple[str, ...]:
    """The modules from which all others of a version are imported."""
    own = {f"mlapi.standalone.{MODULES[name]}" for name in pipelines}
    return (ENTRY, *sorted(own | set(modules)), *([ENCODER] if with_encoder else []))


@lru_cache(maxsize=32)
def files(modules: tuple[str, ...]) -> dict[str, bytes]:
    """The source files by their paths: of these modules and of all that they import."""
    name = package(modules)
    found = {path: _moved(text, name) for path, text in _sources(modules).items()}
    for path in list(found):
        for folder in list(Path(path).parents)[:-1]:
            found.setdefault((folder / "__init__.py").as_posix(), b"")
    found["__init__.py"] = b'"""What predicts, copied from the source of evals-backend."""\n'
    return {f"{name}/{path}": content for path, content in found.items()}


@lru_cache(maxsize=32)
def package(modules: tuple[str, ...]) -> str:
    """The name of the package that has these modules and all that they import."""
    content = repr(sorted(_sources(modules).items())).encode()
    return f"{_PACKAGE}_{hashlib.sha256(content).hexdigest()[:8]}"


def _sources(modules: tuple[str, ...]) -> dict[str, str]:
    """The text of each module by its path."""
    return {
        _path(module): _file(module).read_text(encoding="utf-8") for module in _reached(modules)
    }


@lru_cache(maxsize=32)
def packages(modules: tuple[str, ...]) -> dict[str, str]:
    """The versions of the public packages that these modules need, by distribution."""
    names = {name for module in _reached(modules) for name in _foreign(module)}
    distributions = _distributions()
    needed = {distributions[name][0] for name in names}
    return {name.lower(): _public(name) for name in sorted(needed, key=str.lower)}


def named(distributions: Iterable[str]) -> dict[str, str]:
    """The versions of these distributions."""
    return {name.lower(): _public(name) for name in distributions}


def _public(distribution: str) -> str:
    """Its version without what tells its builds apart, which a registry does not have."""
    return metadata.version(distribution).partition("+")[0]


@lru_cache(maxsize=1)
def _distributions() -> dict[str, list[str]]:
    return {name: sorted(found) for name, found in metadata.packages_distributions().items()}


@lru_cache(maxsize=32)
def _reached(modules: tuple[str, ...]) -> tuple[str, ...]:
    """These modules and those that they import while they are imported, in order of name."""
    seen: set[str] = set()
    left = list(modules)
    while left:
        module = left.pop()
        if module not in seen:
            seen.add(module)
            left += [name for name in _imported(module) if _is_ours(name)]
    return tuple(sorted(seen))


def _foreign(module: str) -> Iterator[str]:
    for name in _imported(module):
        top = name.partition(".")[0]
        if not _is_ours(name) and top not in sys.stdlib_module_names:
            yield top


@lru_cache(maxsize=512)
def _imported(module: str) -> tuple[str, ...]:
    """The modules that a module imports at its top, of packages the submodules that are named."""
    found: list[str] = []
    for node in _statements(ast.parse(_file(module).read_bytes()).body):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [one if _is_ours(one) and _exists(one) else node.module for one in named]
    return tuple(dict.fromkeys(found))


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Those that are executed when the module is imported, but not for type checkers."""
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from _statements(node.orelse)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, part, []))
        else:
            yield node


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in _OURS


def _path(module: str) -> str:
    return _file(module).relative_to(_ROOT).as_posix()


def _exists(module: str) -> bool:
    return _file(module).is_file()


def _file(module: str) -> Path:
    path = _ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _moved(text: str, package: str) -> bytes:
    """The source with its imports of this backend from the package."""
    return _IMPORT.sub(rf"\1{package}.\2", text).encode()
