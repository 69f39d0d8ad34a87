"""The actions of operators, a file each; every file of this folder is loaded.

An action names its permission, says whether it is available, what it will change, and does it
through the writers of `registry.actions`; what it will change it may read from reports. Admin,
REST and command line are made from it: they import this package, and nothing here imports them.
"""

from importlib import import_module
from pkgutil import iter_modules

from .action import Action, Caller, Change, Result, Via, actions, actions_on, register

__all__ = ["Action", "Caller", "Change", "Result", "Via", "actions", "actions_on", "register"]


def load() -> None:
    """Import every file of this folder: each registers its action."""
    for name in sorted(found.name for found in iter_modules(__path__)):
        import_module(f"{__name__}.{name}")


load()
