"""What a child process sets for itself: its share of the cores."""

import os


def be_modest() -> None:
    """Leave the machine to those who label: half of the cores, and behind every request.

    BLAS and OpenMP read these variables once, when they are loaded.
    """
    threads = str(max(1, len(os.sched_getaffinity(0)) // 2))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, threads)
    os.nice(5)
