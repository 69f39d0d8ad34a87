"""What features of images cost through EvaDB, and what plain methods reach with them.

    python benchmarks/features.py [--features opencv]

Digits, digits in coloured ink and tiles of two photographs, which come with scikit-learn; all
three with the same features. Then milliseconds for each image by its size, of the processor,
so that other work on the machine counts less.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2  # noqa: E402
import numpy as np  # noqa: E402

from mlapi.eva.images import evaluate_images  # noqa: E402
from mlapi.eva.open import Eva, open_eva  # noqa: E402
from mlapi.images.extractors.loading import extractor  # noqa: E402
from mlapi.images.function import ImageFeaturesFunction  # noqa: E402
from tests.mlapi.images.extractors import scores  # noqa: E402
from tests.mlapi.images.extractors.samples import (  # noqa: E402
    Labelled,
    digits,
    inked_digits,
    tiles,
    write_pngs,
)

SIDES = (8, 64, 128, 256)


def milliseconds(call: Callable[[], object], count: int) -> float:
    started = time.process_time()
    call()
    return (time.process_time() - started) * 1000 / count


def photographs(side: int, count: int) -> list[np.ndarray]:
    cut = tiles(256).images
    return [cv2.resize(np.roll(cut[i % len(cut)], i, axis=0), (side, side)) for i in range(count)]


def cost(eva: Eva, folder: Path, features: str, count: int = 100) -> None:
    model = extractor(features)
    print(f"{'ms':>9} {'features':>9} {'EvaDB':>9}")
    for side in SIDES:
        images = photographs(side, count)
        write_pngs(folder / str(side), images)
        arguments = (eva, f"cost_{side}", folder / str(side), ImageFeaturesFunction)
        taken = [
            milliseconds(lambda p=images: model.features(p), count),
            milliseconds(lambda a=arguments: evaluate_images(*a, {"features": features}), count),
        ]
        print(f"{side:>9} " + " ".join(f"{t:>9.2f}" for t in taken), flush=True)


def quality(eva: Eva, folder: Path, features: str) -> None:
    def embedded(name: str, data: Labelled) -> tuple[np.ndarray, np.ndarray]:
        write_pngs(folder / name, data.images)
        chosen = {"features": features}
        found = evaluate_images(eva, name, folder / name, ImageFeaturesFunction, chosen)
        return np.stack(list(found.values())), data.labels

    x, y = embedded("digits", digits())
    print(f"digits: SVM {scores.svm_accuracy(x, y):.3f}, linear {scores.linear_accuracy(x, y):.3f}")
    print(f"  precision@10 {scores.precision_at(10, x, y):.3f}")
    k, rand = scores.clustered_by_silhouette(x, y)
    ten = scores.clustered(x, y, 10)
    print(f"  adjusted Rand index {ten:.3f} with k = 10, {rand:.3f} with silhouette's k = {k}")
    x, y = embedded("inks", inked_digits())
    print(f"inks: SVM {scores.svm_accuracy(x, y):.3f}, linear {scores.linear_accuracy(x, y):.3f}")
    print(f"  precision@10 {scores.precision_at(10, x, y):.3f}", flush=True)
    for side in (64, 96, 128):
        x, y = embedded(f"tiles_{side}", tiles(side))
        found = ", ".join(f"@{k} {scores.precision_at(k, x, y):.3f}" for k in (1, 5))
        print(f"tiles of {side} ({len(y)}): precision{found}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", default="opencv")
    args = parser.parse_args()
    model = extractor(args.features)
    print(f"{model.name}: {model.size} numbers, images of at most {model.max_side}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        eva = open_eva(folder / "eva")
        quality(eva, folder, args.features)
        cost(eva, folder, args.features)


if __name__ == "__main__":
    main()
