"""Loaded versions: once per process, verified first, bounded, and what a failure does."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.db import InterfaceError, OperationalError
from django_q.models import OrmQ

from mlapi import jobs, model_cache, pipelines, served_config, serving
from mlapi.labelstudio import label_config
from mlapi.pipelines import PIPELINES
from tests.factories import LABEL_CONFIG, ModelVersionFactory, ProjectFactory
from tests.mlapi.trained import artifact

TASKS = [{"id": 1, "data": {"text": "good fine"}}, {"id": 2, "data": {"text": "bad awful"}}]

pytestmark = pytest.mark.usefixtures("no_loaded_versions")


@pytest.fixture
def version(db):
    return ModelVersionFactory(champion=True, content=artifact())


def path_of(version):
    return storages["artifacts"].path(version.artifact)


def flip_bit(version) -> None:
    """Flips a bit of the artifact, as a disk may."""
    with open(path_of(version), "r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))


def answer(version, tasks=TASKS, **more):
    version.project.refresh_from_db()
    return serving.answer(version.project, LABEL_CONFIG, tasks, **more)


def fall_backs() -> list:
    return [q for q in OrmQ.objects.all() if q.func() == "mlapi.jobs.fall_back"]


def test_a_real_artifact_answers_through_evadb(version):
    answered = answer(version)
    chosen = [entry["result"][0]["value"]["choices"] for entry in answered.results]
    assert chosen == [["Positive"], ["Negative"]]
    assert answered.model_version == version.label
    predictor = model_cache.load(version)
    from evadb.expression.function_expression import FunctionExpression

    function = predictor.parts["text_classification"]._evaluate.__self__
    assert isinstance(function._expression(), FunctionExpression)


def test_a_version_is_loaded_once_however_many_threads_ask(version, monkeypatch):
    pipeline = PIPELINES["text_classification"]
    loads, real = [], pipeline.load
    monkeypatch.setattr(pipeline, "load", lambda content: loads.append(1) or real(content))
    gate, got = threading.Barrier(6), []

    def ask():
        gate.wait()
        got.append(model_cache.load(version))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert len(set(map(id, got))) == 1


def test_threads_share_a_predictor_and_get_the_same_answers(version):
    predictor = model_cache.load(version)
    specs = pipelines.match(label_config.parse(LABEL_CONFIG)).targets
    rows = [task["data"] for task in TASKS] * 50
    expected = predictor.predict(rows, specs)
    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(predictor.predict, rows, specs) for _ in range(40)]
    assert all(answers.result() == expected for answers in futures)


@pytest.mark.django_db(transaction=True)
def test_a_corrupt_artifact_is_never_read_and_one_fall_back_is_queued(monkeypatch):
    version = ModelVersionFactory(champion=True, content=artifact())
    flip_bit(version)
    loaded = []
    monkeypatch.setattr(PIPELINES["text_classification"], "load", loaded.append)
    for _ in range(3):
        answered = answer(version)
        assert answered.results == [[], []]
        assert answered.model_version == version.label
        assert answered.problems == {"model_unavailable": [1, 2]}
    assert loaded == []
    (queued,) = fall_backs()
    assert queued.task["args"][:2] == (version.project_id, version.pk)
    assert "ArtifactCorrupt" in queued.task["args"][2]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("content", [b"no zip", b"PK\x05\x06" + bytes(18), b""])
def test_an_artifact_that_does_not_load_answers_empty_entries(content):
    version = ModelVersionFactory(champion=True, content=content or b" ")
    assert answer(version).problems == {"model_unavailable": [1, 2]}
    assert len(fall_backs()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_failed_load_is_cached_for_half_a_minute_and_then_retried(monkeypatch):
    version = ModelVersionFactory(champion=True, content=artifact())
    now = [1000.0]
    monkeypatch.setattr(model_cache, "monotonic", lambda: now[0])
    flip_bit(version)
    assert answer(version).problems
    flip_bit(version)  # the same bit again: it is whole
    now[0] += 29
    assert answer(version).problems
    now[0] += 2
    assert not answer(version).problems
    flip_bit(version)
    model_cache.clear()
    assert answer(version).problems
    assert len(fall_backs()) == 2


@pytest.mark.django_db(transaction=True)
def test_the_queued_job_falls_back_to_the_version_before_which_then_answers():
    project = ProjectFactory()
    first = ModelVersionFactory(project=project, champion=True, content=artifact())
    project.refresh_from_db()
    second = ModelVersionFactory(project=project, champion=True, content=artifact(1.0))
    flip_bit(second)
    assert answer(second).problems
    project_id, version_id, error = fall_backs()[0].task["args"]
    assert (project_id, version_id) == (project.pk, second.pk)
    jobs.fall_back(project_id, version_id, error)
    answered = answer(first)
    assert answered.model_version == first.label
    assert not answered.problems


_COLD_START = """
import sys, threading
import django
django.setup()
from mlapi import model_cache
from registry.models import ModelVersion
version = ModelVersion(pk=1, label="v1", pipeline="text_classification", artifact=sys.argv[1])
import registry.artifacts
from pathlib import Path
registry.artifacts.read = lambda version: Path(version.artifact).read_bytes()
importing = threading.Thread(target=model_cache.import_engine)
importing.start()
loaded = []
load = lambda: loaded.append(model_cache.load(version))
threads = [threading.Thread(target=load) for _ in range(4)]
for t in threads: t.start()
for t in [*threads, importing]: t.join()
assert len({id(p) for p in loaded}) == 1 and len(loaded) == 4
"""


@pytest.mark.django_db
@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.nightly)])
def test_a_version_loads_while_another_thread_still_imports_the_engine(tmp_path, times):
    """The process is fresh: two threads that entered EvaDB's circular imports failed."""
    path = tmp_path / "v1.artifact"
    path.write_bytes(artifact())
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-c", _COLD_START, str(path)],
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "evals_backend.settings",
                "DATABASE_URL": settings.DATABASE_URL,
            },
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr


def test_a_new_champion_answers_at_once(version):
    assert answer(version).model_version == version.label
    newer = ModelVersionFactory(project=version.project, champion=True, content=artifact(3.0))
    answered = answer(newer)
    assert answered.model_version == newer.label != version.label
    assert answered.results[0]["model_version"] == newer.label


def test_the_cache_is_bounded_and_the_longest_unused_goes(settings, db):
    settings.MODEL_CACHE_MB = 0
    first = ModelVersionFactory(champion=True, content=artifact())
    second = ModelVersionFactory(champion=True, content=artifact(1.0))
    predictor = model_cache.load(first)
    assert model_cache.load(first) is predictor
    model_cache.load(second)
    assert list(model_cache._loaded) == [second.pk]
    settings.MODEL_CACHE_MB = 100
    model_cache.load(first)
    assert list(model_cache._loaded) == [second.pk, first.pk]
    model_cache.load(second)
    assert list(model_cache._loaded) == [first.pk, second.pk]


@pytest.fixture
def make_fail(version, monkeypatch):
    """Makes the model fail on batches with a text that `is_bad`; returns the sizes of batches."""

    def make(is_bad, error: Exception | None = None) -> list[int]:
        predictor = model_cache.load(version)
        real, calls = predictor.predict, []

        def predict(rows, specs=None, store=None):
            calls.append(len(rows))
            if any(is_bad(row["text"]) for row in rows):
                raise error or RuntimeError("boom")
            return real(rows, specs)

        monkeypatch.setattr(predictor, "predict", predict)
        return calls

    return make


def numbered(n: int) -> list[dict]:
    return [{"id": i, "data": {"text": f"good {i}"}} for i in range(n)]


@pytest.mark.parametrize("bad", [{7}, {0, 19}, {3, 4, 5, 11, 17}, set(range(10)), {1, 3, 5, 7, 9}])
def test_a_task_on_which_the_model_fails_does_not_affect_others(bad, version, make_fail):
    make_fail(lambda text: int(text.split()[1]) in bad)
    answered = answer(version, numbered(20))
    assert [i for i, entry in enumerate(answered.results) if entry == []] == sorted(bad)
    assert answered.problems == {"prediction_failed": sorted(bad)}
    assert answered.empty == len(bad)


def test_few_bad_tasks_in_a_large_request_do_not_affect_others(version, make_fail):
    bad = {5, 300, 301, 749, 750, 1_499}
    calls = make_fail(lambda text: int(text.split()[1]) in bad)
    answered = answer(version, numbered(1_500))
    assert answered.problems == {"prediction_failed": sorted(bad)}
    assert len(calls) < 200


def test_a_model_that_fails_on_everything_costs_a_dozen_calls_and_one_traceback(
    version, make_fail, caplog
):
    calls = make_fail(lambda text: True)
    answered = answer(version, numbered(1_500))
    assert answered.results == [[]] * 1_500
    assert answered.problems == {"prediction_failed": list(range(1_500))}
    assert len(calls) <= 12
    (logged,) = [r for r in caplog.records if "prediction_failed" in str(r.msg)]
    assert "1500" in str(logged.msg)
    assert "boom" in logged.getMessage() + caplog.text


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
def test_a_database_error_is_not_blamed_on_a_task(error, version, make_fail):
    calls = make_fail(lambda text: True, error)
    with pytest.raises(type(error)):
        answer(version, numbered(50))
    assert calls == [50]


def test_an_unavailable_model_is_called_once_and_reported_for_each_task(version, make_fail):
    calls = make_fail(lambda text: True, model_cache.ModelUnavailable("It does not load."))
    answered = answer(version, numbered(50))
    assert answered.results == [[]] * 50
    assert answered.problems == {"model_unavailable": list(range(50))}
    assert calls == [50]


def test_the_label_config_is_matched_once_for_many_requests(version, monkeypatch):
    served_config._targets_of.cache_clear()
    matches, real = [], pipelines.targets_of
    monkeypatch.setattr(pipelines, "targets_of", lambda *args: matches.append(args) or real(*args))
    for _ in range(3):
        assert answer(version).empty == 0
    assert len(matches) == 1
