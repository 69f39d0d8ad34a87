"""The programs of a run's child processes."""

from collections.abc import Callable
from dataclasses import dataclass

from mlapi.child_process.supervise import Program, program


@dataclass(frozen=True)
class Programs:
    """Each makes its program from the run's folder and what else it takes; tests pass their own."""

    train: Callable[..., Program] = lambda folder: program("mlapi.training.child", str(folder))
    verify: Callable[..., Program] = lambda folder, artifact, sha256: program(
        "mlapi.training.load_check_child", str(folder), str(artifact), sha256
    )
    curve: Callable[..., Program] = lambda folder: program(
        "mlapi.training.child", str(folder), "--curve"
    )
