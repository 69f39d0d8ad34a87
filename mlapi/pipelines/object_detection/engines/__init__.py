"""Detection engines by name: each learns boxes from examples, in its own way.

`base` has the interface. Imports nothing of the pipeline above it.
"""

from mlapi.pipelines.object_detection.engines.base import Engine

ENGINES: dict[str, Engine] = {}
