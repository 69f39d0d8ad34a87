"""How many threads torch computes with while an engine is trained."""

from collections.abc import Iterator
from contextlib import contextmanager

from mlapi.operator_settings import training_cores


@contextmanager
def of_a_training() -> Iterator[None]:
    """All cores that the training has, where it has more than torch's usual threads.

    Most of its time is torch's, and its process has less priority than what answers requests.
    """
    import torch

    usual = torch.get_num_threads()
    torch.set_num_threads(max(usual, training_cores()))
    try:
        yield
    finally:
        torch.set_num_threads(usual)
