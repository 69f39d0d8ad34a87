"""Imports of libraries without what they import for uses that they are not put to here.

It would take 17 MB and a fifth of the imports' time. Whatever imports such a module later gets it.
"""

import importlib
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


class _Deferred(ModuleType):
    """Has every name that is asked of it, as a function."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*arguments: Any, **named: Any) -> Any:
            return getattr(importlib.import_module(self.__name__), name)(*arguments, **named)

        return call
