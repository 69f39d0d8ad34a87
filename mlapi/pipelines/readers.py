"""How each pipeline's models are read, by the pipeline's name.

A module of its own that imports nothing: what reads models is part of the pipelines and can
import none of them, and what matches a label config must not import numpy.
"""

from collections.abc import Callable
from typing import Any

# From the parts of an artifact to the model; filled by the package.
READERS: dict[str, Callable[[Any], Any]] = {}
