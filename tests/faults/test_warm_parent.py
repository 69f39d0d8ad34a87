"""Forks of the warm parent: each computes, while others do, and none hangs on a parent's lock."""

import subprocess
import sys

import pytest

from tests.evals_backend.running import ROOT, environment

_FORKS = """
import os, sys, time
from evals_backend import warm_parent
warm_parent.limit_threads()
warm_parent.import_libraries()
import django
django.setup()
from evals_backend.stop_signals import StopSignals
from evals_backend.supervisor import fork
warm_parent.import_code(web=True, trains=True)
left_out = {"rich", "scipy.optimize", "scipy.stats", "sklearn", "django.test"}
assert not left_out & set(sys.modules)

def train():
    import numpy as np
    import pandas as pd
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits
    from mlapi.eva.online import OnlineFunction

    class Doubles:
        def __call__(self, frame):
            return pd.DataFrame({"b": frame["a"] * 2})

    texts = [f"text {n % 7} of {n}" for n in range(200)]
    with threadpool_limits(2):  # a parallel region in each fork
        rows = TfidfVectorizer().fit_transform(texts)
        model = LogisticRegression().fit(rows, [n % 2 for n in range(200)])
        np.linalg.svd(np.random.default_rng(0).random((300, 300)))
    assert len(model.predict(rows)) == 200
    doubles = OnlineFunction(Doubles(), "doubles", ["a"], ["b"])
    assert list(doubles.evaluate([1, 2])[0]) == [2, 4]

    # What was left out of the parent is there for whoever needs it.
    from sklearn.metrics import label_ranking_average_precision_score
    assert label_ranking_average_precision_score([[1, 0]], [[0.2, 0.7]]) == 0.5
    import rich.console, scipy.stats
    assert scipy.stats.norm.cdf(0) == 0.5
    from drf_spectacular import plumbing
    assert plumbing.APIRequestFactory().get("/api/").path == "/api/"

signals, running, ended = StopSignals(), {}, []
give_up = time.monotonic() + 1200
for n in range(int(sys.argv[1])):
    while len(running) >= 6 and time.monotonic() < give_up:
        for pid in list(running):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                ended.append(os.waitstatus_to_exitcode(status))
                del running[pid]
        time.sleep(0.002)
    running[fork(f"train{n}", train, signals)] = n
ended += [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in running]
assert len(os.listdir("/proc/self/task")) == 1
print(len(ended), sum(ended))
"""


def forks(number: int, tmp_path) -> str:
    """Fork so often, and say how many ended and how many of them failed."""
    env = environment(
        tmp_path / "data",
        DJANGO_SETTINGS_MODULE="evals_backend.settings",
        SECRET_KEY="unused",
        DATABASE_URL="postgres:///unused",
    )
    done = subprocess.run(
        [sys.executable, "-c", _FORKS, str(number)],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=1500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    print(done.stderr[-4000:])
    return done.stdout.strip()


def test_forks_that_compute_beside_one_another_all_end(tmp_path):
    assert forks(3, tmp_path) == "3 0"


@pytest.mark.nightly
def test_two_hundred_forks_all_end(tmp_path):
    assert forks(200, tmp_path) == "200 0"
