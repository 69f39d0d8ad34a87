"""The warm process of a worker of trainings: it forks for each training, and its check.

`python -m mlapi.training.warm_process <descriptor of a socket>`. torch, OpenCV and others start
threads when they are imported, so only its forks import them.
"""

import importlib
import signal
import socket
import sys
from functools import cache

from mlapi.child_process.forking import serve
from mlapi.child_process.processes import end_with_parent
from mlapi.texts import vectors


def main(arguments: list[str] | None = None) -> int:
    (descriptor,) = sys.argv[1:] if arguments is None else arguments
    control = socket.socket(fileno=int(descriptor))
    end_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker ends it
    prepare()
    for module in _FITTING:
        importlib.import_module(module)
    # A training makes vectors by itself: what its parent calls the encoder process by is closed.
    vectors.make_by(vectors.by_evadb)
    serve(control)
    return 0


_MODULES = (
    "mlapi.pipelines.classification.curve",
    "mlapi.pipelines.classification.predictor",
    "mlapi.pipelines.classification.training",
    "mlapi.pipelines.text_classification.model",
    "mlapi.training.child",
    "mlapi.training.load_check_child",
    "mlapi.training.parts",
)
# What only trainings use: no other process has it in memory.
_FITTING = ("scipy.optimize", "sklearn.linear_model", "sklearn.metrics")


@cache
def prepare() -> None:
    """Import all that a training of texts imports, and have EvaDB make what its first use makes.

    One of images imports what reads them besides. Once: in the parent of the worker, where it has
    one, and so for all processes of the server.
    """
    for module in _MODULES:
        importlib.import_module(module)
    importlib.import_module("mlapi.eva.rehearsal").rehearse()
    importlib.import_module("mlapi.run_folder.result").environment()


if __name__ == "__main__":
    sys.exit(main())
