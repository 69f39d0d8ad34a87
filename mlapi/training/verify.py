"""Tries an artifact in a fresh process: does it load, and does it predict ten training rows?

`python -m mlapi.training.verify <folder> <artifact>`: exit status 0, or 1 with
`{"code", "message"}` on stderr.
"""

import argparse
import itertools
import json
import math
import sys
from pathlib import Path

from mlapi import pipelines
from mlapi.pipelines.base import Answer, Predictor, TrainingJob

ROWS = 10


class DoesNotServe(Exception):
    """What is wrong with a version that loads."""


def verify(folder: Path, artifact: Path) -> None:
    """Raises whatever loading raises, or DoesNotServe."""
    job = TrainingJob.read(folder)
    predictor = pipelines.get(job.pipeline).load(artifact)
    _check(predictor, job)


def _check(predictor: Predictor, job: TrainingJob) -> None:
    train = (row for row in job.rows() if row["split"] == "train" and row.get("labels"))
    rows = [row["data"] for row in itertools.islice(train, ROWS)]
    said = predictor.predict(rows, job.targets)
    if len(said) != len(rows):
        raise DoesNotServe(f"It gave {len(said)} answers for {len(rows)} tasks.")
    answers = [a for row in said for a in row.values() if isinstance(a, Answer)]
    if rows and not answers:
        raise DoesNotServe(f"It had no answer for any of {len(rows)} training tasks.")
    if not all(math.isfinite(a.score) and 0 <= a.score <= 1 for a in answers):
        raise DoesNotServe("It gave a score outside 0..1.")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("artifact", type=Path)
    chosen = parser.parse_args(arguments)
    try:
        verify(chosen.folder.resolve(), chosen.artifact.resolve())
    except Exception as e:  # noqa: BLE001 - the caller reads what it was, whatever it was
        message = f"{type(e).__name__}: {e}"
        print(json.dumps({"code": "does_not_load", "message": message}), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
