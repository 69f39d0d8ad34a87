"""The child process of a training: reads the job in a run folder, writes a result or an error.

`python -m mlapi.training.child <folder> [--curve]`. It has no database and needs no network.
"""

import argparse
import logging
import sys
import traceback
from pathlib import Path

from mlapi.child_process.processes import begin, is_disk_full, status_of


def carry_out(folder: Path, *, curve: bool) -> int:
    """Does the job in the folder; returns the exit status. Every error is written as error.json.

    Raises OSError where the disk is full.
    """
    from mlapi.run_folder.progress import ProgressWriter

    progress = ProgressWriter(folder)
    progress.phase("importing", 0.0)
    from mlapi.run_folder import result as results
    from mlapi.run_folder.job import TrainingJob
    from mlapi.run_folder.result import RunError
    from mlapi.training import parts
    from registry.error_codes import CODES
    from registry.errors import EvalsError

    try:
        jobs = TrainingJob.read_all(folder)
        if curve:
            trained = results.read_result(folder)
            results.write_curve(folder, parts.learning_curve(jobs, progress, trained))
        else:
            results.write_result(folder, parts.train(jobs, progress))
        progress.phase("ending the training", 1.0)
    except EvalsError as e:
        error = RunError(e.code, e.message, e.hint)
    except MemoryError:
        error = RunError(
            "out_of_memory", "The training had no more memory.", CODES["out_of_memory"].hint
        )
    except Exception as e:
        if is_disk_full(e):
            raise
        traceback.print_exc()
        error = RunError("training_error", f"{type(e).__name__}: {e}", CODES["training_error"].hint)
        progress.log(traceback.format_exc())
    else:
        return 0
    results.write_error(folder, error)
    return 1


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--curve", action="store_true", help="the learning curve of a trained job")
    args = parser.parse_args(arguments)
    begin()
    logging.disable(logging.INFO)  # FLAML logs each of its trials
    return status_of(lambda: carry_out(args.folder.resolve(), curve=args.curve))


if __name__ == "__main__":
    sys.exit(main())
