"""A program that prints OpenMP's settings, and torch's threads in a training and elsewhere."""

import os
import sys


def main(arguments: list[str]) -> int:
    os.environ["OMP_DISPLAY_ENV"] = "verbose"  # read when torch brings OpenMP in
    import torch

    from mlapi.pipelines.object_detection.engines import torch_threads

    with torch_threads.of_a_training():
        meanwhile = torch.get_num_threads()
    print(meanwhile, torch.get_num_threads())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
