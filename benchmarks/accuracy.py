"""How good text classification is on 2,400 real texts, by size and seed: whole trainings.

    python benchmarks/accuracy.py [--sizes 600 1200 2400] [--seeds 3] [--automl]

Each line is a training in a process of its own on four fifths, evaluated on the other fifth, with
the sentence encoder where it is installed.
The texts are `../shared/data/package_sections.jsonl`; without them there is nothing to measure.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mlapi.domain import TargetSpec  # noqa: E402
from mlapi.inputs.text.input import DEFAULT, TextInput  # noqa: E402
from mlapi.run_folder.dataset import DatasetFile  # noqa: E402
from mlapi.run_folder.job import TrainingJob  # noqa: E402
from mlapi.run_folder.result import read_result  # noqa: E402

TEXTS = ROOT.parent / "shared" / "data" / "package_sections.jsonl"


def write_job(folder: Path, rows: list[dict], *, seed: int, automl: bool) -> None:
    labels = sorted({row["label"] for row in rows})
    TrainingJob(
        folder=folder,
        project=1,
        run=1,
        number=1,
        pipeline="text_classification",
        targets=(TargetSpec("section", "text", "Text", "text", "choice", tuple(labels)),),
        seed=seed,
        parameters={"automl": automl},
        input=TextInput().for_options({"encoder": DEFAULT, "encoder_tokens": 64}).settings,
    ).write()
    with DatasetFile(folder).writing() as write:
        for i, row in enumerate(rows):
            split = "train" if i % 5 else "holdout"
            labelled = {"id": i, "data": row, "labels": {"section": row["label"]}, "split": split}
            write(labelled)


def measure(rows: list[dict], *, seed: int, automl: bool) -> dict:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_job(folder, rows, seed=seed, automl=automl)
        started = time.perf_counter()
        command = [sys.executable, "-m", "mlapi.training.child", name]
        subprocess.run(command, check=True, cwd=ROOT)
        seconds = time.perf_counter() - started
        result = read_result(folder)
        size = (folder / "artifact.bin").stat().st_size
    numbers = {m.name: m.value for m in result.metrics if not m.label}
    found = {"recipe": result.recipe, "candidates": result.candidates, "numbers": numbers}
    return {**found, "seconds": seconds, "kilobytes": size // 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[600, 1200, 2400])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--automl", action="store_true")
    args = parser.parse_args()
    with open(TEXTS, encoding="utf-8") as lines:
        texts = [json.loads(line) for line in lines]
    print("size seed accuracy macro F1   ECE (calibrated)  seconds    kB  recipe")
    for size in args.sizes:
        for seed in range(args.seeds):
            rows = random.Random(seed).sample(texts, min(size, len(texts)))
            found = measure(rows, seed=seed, automl=args.automl)
            n = found["numbers"]
            print(
                f"{size:>4} {seed:>4} {n['accuracy']:>8.3f} {n['macro_f1']:>8.3f} "
                f"{n['ece']:>5.3f} ({n['ece_calibrated']:.3f}) {found['seconds']:>12.1f} "
                f"{found['kilobytes']:>5}  {found['recipe']}",
                flush=True,
            )
            for c in found["candidates"]:
                if c.score is not None:
                    print(f"{'':>9} {c.score:.3f} in {c.seconds:.1f} s: {c.name}")


if __name__ == "__main__":
    main()
