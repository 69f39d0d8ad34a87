"""A typed client of evals-backend's REST.

`Evals` has an attribute for each resource, with a method for each route.
"""

from evals_client.client import Evals
from evals_client.errors import EvalsError

__all__ = ["Evals", "EvalsError"]
