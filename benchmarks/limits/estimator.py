"""The champion's own estimator in a loop on decoded texts, without EvaDB, HTTP and regions.

`python -m benchmarks.limits.estimator UID TEXTS` in the environment of a server. Prints `ready`;
then for each line `BATCH SECONDS` how many texts it did a second in batches of that size, so that
several can be started at one moment. Nothing else in the benchmark of serving imports the product.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

# One thread each, as in the server: the processes are what uses the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evals_backend.settings")


def main() -> None:
    """Load the champion, then predict as each line says."""
    import django

    uid, file = sys.argv[1:]
    django.setup()
    target = trained_target(uid)
    texts = Path(file).read_text().splitlines()
    target.probabilities(texts[:1])
    print("ready", flush=True)
    for line in sys.stdin:
        batch, seconds = line.split()
        print(rate(target, texts, int(batch), float(seconds)), flush=True)


def trained_target(uid: str) -> Any:
    """What the project's champion predicts its first target with: estimator and calibration."""
    from mlapi.model_cache import predictor_for
    from registry.models import Project

    champion = Project.objects.select_related("champion").get(uid=uid).champion
    (part,) = predictor_for(champion).parts.values()
    return part.model.targets[0]


def rate(target: Any, texts: list[str], batch: int, seconds: float) -> float:
    """Texts a second."""
    batches = [texts[i : i + batch] for i in range(0, len(texts) - batch + 1, batch)]
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        target.probabilities(batches[done % len(batches)])
        done += 1
    return done * batch / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
