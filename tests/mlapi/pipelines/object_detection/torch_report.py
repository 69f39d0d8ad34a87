"""A program that prints how many threads torch has in it, while an engine is trained and else."""

import sys


def main(arguments: list[str]) -> int:
    import torch

    from mlapi.pipelines.object_detection.engines import torch_threads

    with torch_threads.of_a_training():
        meanwhile = torch.get_num_threads()
    print(meanwhile, torch.get_num_threads())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
