"""The admin of the registry: a module per page or subject; every change is an operator action.

Imports api (for its downloads), reports, charts, permissions, actions and models.
"""

from . import (  # noqa: F401 - importing a module registers its models
    access_keys,
    home,
    operation,
    outcomes,
    projects,
    runs,
    tasks,
    users,
    versions,
    webhooks,
)
