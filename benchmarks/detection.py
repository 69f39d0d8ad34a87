"""How well and how fast each detection engine learns boxes, by the number of images.

    python -m benchmarks.detection [--engines patches lite] [--images 10 50 200] [--write detection]

The scenes are those of the tests: coloured shapes, two of which differ in colour only, and digits
of other writers than those that are learned, on noise and photographs. Each training has a process
of its own and the cores that one of the product has, each prediction one thread. An engine that
cannot be used here is left out.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # what is timed is work, not how threads wait
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as a training's own process has it
os.environ.setdefault("TRAINING_CORES", str(len(os.sched_getaffinity(0))))

from benchmarks.harness import report  # noqa: E402

TEST_IMAGES, TIMED_IMAGES = 60, 10
SIDE, LARGE_SIDE = 320, 640
HEAD = ("scenes", "images", "engine", "mAP@50", "seconds", "of processors", "ms an image", "MB")


def measure(engine_name: str, kind: str, images: int, seed: int) -> dict[str, float]:
    """One training, in this process."""
    from mlapi.pipelines.object_detection.engines import learning_engines
    from tests.mlapi.pipelines.object_detection import scenes
    from tests.mlapi.pipelines.object_detection.average_precision import mean_average_precision

    draw, labels = {
        "shapes": (scenes.shape_scenes, scenes.SHAPES),
        "digits": (scenes.digit_scenes, scenes.DIGITS),
    }[kind]
    learned, test = draw(images, seed, side=SIDE), draw(TEST_IMAGES, seed, test=True, side=SIDE)
    large = draw(TIMED_IMAGES, seed, test=True, side=LARGE_SIDE)
    started, processors = time.monotonic(), time.process_time()
    engine = learning_engines()[engine_name]
    detector = engine.train(learned, labels, seed=seed, deadline=lambda: None)
    seconds, of_processors = time.monotonic() - started, time.process_time() - processors
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = [detector.detect(scene.image) for scene in test]
    processors = time.process_time()
    for scene in large:
        detector.detect(scene.image)
    return {
        "mAP": mean_average_precision(test, found, labels),
        "seconds": seconds,
        "processors": of_processors,
        "milliseconds": (time.process_time() - processors) * 1000 / len(large),
        "memory": memory,
    }


def measured_apart(engine: str, kind: str, images: int, seed: int) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.detection", "--one", engine, kind, str(images)]
    done = subprocess.run(
        [*command, "--seed", str(seed)], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def row(kind: str, images: int, engine: str, found: dict[str, float]) -> Sequence[str]:
    return (
        kind,
        str(images),
        f"`{engine}`",
        f"{found['mAP']:.3f}",
        f"{found['seconds']:.0f}",
        f"{found['processors']:.0f}",
        f"{found['milliseconds']:.0f}",
        f"{found['memory']:.0f}",
    )


def usable(names: Sequence[str]) -> list[str]:
    """Those of the engines that can be used here; the reasons of the others are printed."""
    from mlapi.pipelines.object_detection.engines import learning_engines

    engines = learning_engines()
    reasons = {name: engines[name].untrainable() for name in names}
    for name, reason in reasons.items():
        if reason is not None:
            print(f"{name} is left out. {reason}", file=sys.stderr)
    return [name for name, reason in reasons.items() if reason is None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", nargs="+", default=["patches", "lite"])
    parser.add_argument("--images", type=int, nargs="+", default=[10, 50, 200])
    parser.add_argument("--scenes", nargs="+", default=["shapes", "digits"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", metavar="SECTION")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        engine, kind, images = args.one
        print(json.dumps(measure(engine, kind, int(images), args.seed)))
        return
    rows = []
    for kind in args.scenes:
        for images in args.images:
            for engine in usable(args.engines):
                rows.append(
                    row(kind, images, engine, measured_apart(engine, kind, images, args.seed))
                )
                print(*rows[-1], file=sys.stderr, flush=True)
    report.publish(report.table(HEAD, rows), args.write)


if __name__ == "__main__":
    main()
