"""Whether this worker was told to stop: known in each process that it has forked."""

import multiprocessing

# Made before django-q forks its processes, so that all of them share it. A training looks
# at it; django-q itself would wait for the job's end, which may be half an hour away.
stopping = multiprocessing.get_context("fork").Event()
