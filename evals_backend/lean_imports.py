"""Imports of libraries without what they import for uses that they are not put to here.

It would take 30 MB and a third of the imports' time. Whatever imports such a module later gets it.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """Within it these packages are not installed, for libraries that can do without them."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Within it the modules' names are functions that import them when they are called."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = _Deferred(name)
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


@contextmanager
def part(package: str, name: str) -> Iterator[None]:
    """Within it the package is this part of it, and has what the part has."""
    if package in sys.modules:
        yield
        return
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(package)
    module = sys.modules[package] = importlib.util.module_from_spec(spec)
    try:
        found = importlib.import_module(f"{package}.{name}")
        vars(module).update({k: v for k, v in vars(found).items() if not k.startswith("_")})
        yield
    finally:
        for imported in [m for m in sys.modules if m == package or m.startswith(f"{package}.")]:
            del sys.modules[imported]


@contextmanager
def numpy_as_imported() -> Iterator[None]:
    """Within it NumPy lists no module that it would import for whoever copies all of its names."""
    numpy = vars(importlib.import_module("numpy"))  # here: threads are to be limited before it
    names, listed = numpy["__all__"], numpy["__dir__"]
    numpy["__all__"] = [name for name in names if name in numpy]
    numpy["__dir__"] = lambda: [name for name in listed() if name in numpy]
    try:
        yield
    finally:
        numpy["__all__"], numpy["__dir__"] = names, listed


class _Deferred(ModuleType):
    """Has every name that is asked of it, as a function."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*arguments: Any, **named: Any) -> Any:
            return getattr(importlib.import_module(self.__name__), name)(*arguments, **named)

        return call
