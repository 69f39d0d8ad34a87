"""Stored versions of format 1: what serves meanwhile, and how they come to be served again."""

import pickle
from io import StringIO

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django_q.models import OrmQ

from mlapi import jobs, model_cache, serving
from mlapi.conversion import converting
from mlapi.jobs import maintenance
from mlapi.training.load_check import loads_in_a_fresh_process
from registry import artifacts
from registry.actions import run_starts, runs, versions
from registry.models import AuditEntry, ConvertedArtifact, TrainingRun
from registry.verified import ArtifactCorrupt, ArtifactMissing
from tests.factories import LABEL_CONFIG, ModelVersionFactory, ProjectFactory
from tests.mlapi.conversion.old_artifacts import OldArtifact

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_loaded_versions", "forked_trainings"),
]

CONFIG = LABEL_CONFIG.replace('name="label"', 'name="topic"').replace(
    '<Choice value="Positive"/><Choice value="Negative"/>',
    '<Choice value="fruit"/><Choice value="sky"/><Choice value="city"/>',
)
TASKS = [{"id": 1, "data": {"text": "an apple and a pear"}}, {"id": 2, "data": {"text": "tram"}}]


@pytest.fixture
def project():
    return ProjectFactory(label_config=CONFIG)


def old_version(project, content=None, **fields):
    content = content or OldArtifact("text_classification.words").content
    return ModelVersionFactory(project=project, content=content, artifact_format=1, **fields)


def unconvertible(path) -> bytes:
    class RunsOnUnpickling:
        def __reduce__(self):
            return open, (str(path), "w")

    return pickle.dumps(
        {"format": 1, "pipeline": "text_classification", "targets": [RunsOnUnpickling()]}
    )


def answer(project):
    project.refresh_from_db()
    return serving.answer(project, CONFIG, TASKS)


def queued_jobs(name: str) -> list:
    return [q for q in OrmQ.objects.all() if q.func() == f"mlapi.jobs.{name}"]


def test_an_old_champion_answers_nothing_until_it_was_converted_and_then_as_it_did(project):
    version = old_version(project, champion=True)
    recorded = (version.label, version.artifact, version.artifact_sha256, version.artifact_bytes)
    for _ in range(3):
        answered = answer(project)
        assert answered.results == [[], []]
        assert answered.model_version == version.label
        assert answered.problems == {"artifact_format_old": [1, 2]}
    (job,) = queued_jobs("convert")
    assert not queued_jobs("fall_back")

    jobs.convert(*job.args())
    model_cache.clear()

    answered = answer(project)
    choices = [entry["result"][0]["value"]["choices"] for entry in answered.results]
    assert choices == [["fruit"], ["city"]]
    assert answered.model_version == version.label
    version.refresh_from_db()
    assert recorded == (
        *(version.label, version.artifact),
        *(version.artifact_sha256, version.artifact_bytes),
    )
    assert (
        artifacts.open_original(version).read() == OldArtifact("text_classification.words").content
    )
    assert version.converted_artifact.artifact_format == 2
    assert version.converted_artifact.sha256 != version.artifact_sha256
    assert not TrainingRun.objects.filter(trigger="format").exists()
    assert AuditEntry.objects.filter(project=project, verb="fall_back").count() == 0


def test_code_in_an_old_artifact_never_runs_and_one_run_replaces_it(project, tmp_path):
    before = old_version(project)
    version = old_version(project, unconvertible(tmp_path / "it ran"), champion=True)
    assert answer(project).problems == {"artifact_format_old": [1, 2]}
    for _ in range(3):
        jobs.convert(version.pk)
    assert list(tmp_path.iterdir()) == []
    (run,) = TrainingRun.objects.filter(project=project, state="queued")
    assert (run.trigger, run.actor) == ("format", "serving")
    assert AuditEntry.objects.get(run=run).verb == "train"
    project.refresh_from_db()
    assert project.champion == version  # earlier versions are no better off
    before.refresh_from_db()
    version.refresh_from_db()
    assert before.load_failed_at is None
    assert "was not converted" in version.load_error
    assert not ConvertedArtifact.objects.exists()

    runs.cancel(run.pk, actor="tester")
    model_cache.clear()
    assert answer(project).results == [[], []]
    for job in queued_jobs("convert"):
        jobs.convert(*job.args())
    assert TrainingRun.objects.filter(project=project, trigger="format").count() == 1


def test_no_run_is_queued_beside_an_active_one_or_for_what_does_not_serve(project, tmp_path):
    idle = old_version(ProjectFactory(), unconvertible(tmp_path / "it ran"))
    jobs.convert(idle.pk)
    version = old_version(project, unconvertible(tmp_path / "it ran"), champion=True)
    active, _ = run_starts.start(project, trigger="policy")
    jobs.convert(version.pk)
    assert not TrainingRun.objects.filter(trigger="format").exists()

    runs.cancel(active.pk, actor="tester")  # it made no version that could serve instead
    jobs.convert(version.pk)
    assert TrainingRun.objects.get(trigger="format").project == project


def test_an_artifact_that_cannot_be_read_now_marks_no_version(project):
    version = old_version(project, champion=True)
    storages["artifacts"].delete(version.artifact)
    with pytest.raises(ArtifactMissing):
        jobs.convert(version.pk)
    version.refresh_from_db()
    assert version.load_failed_at is None
    assert not TrainingRun.objects.filter(trigger="format").exists()


def test_a_conversion_ends_an_earlier_failure_to_load(project):
    version = old_version(project)
    versions.mark_load_failed(version, "out of memory")
    converting.convert(version)
    version.refresh_from_db()
    assert (version.load_failed_at, version.load_error) == (None, "")


def test_a_worker_that_starts_has_each_old_champion_converted(project):
    version = old_version(project, champion=True)
    old_version(project)
    ModelVersionFactory(champion=True)
    maintenance.at_worker_start()
    assert [job.args() for job in queued_jobs("convert")] == [(version.pk,)]


def test_an_old_version_is_converted_when_its_load_is_checked(project):
    version = old_version(project)
    assert loads_in_a_fresh_process(version)
    assert ConvertedArtifact.objects.get().version == version


def test_a_swapped_file_is_not_converted(project):
    version = old_version(project)
    path = storages["artifacts"].path(version.artifact)
    with open(path, "r+b") as file:
        file.write(b"\x80\x04")
    with pytest.raises(ArtifactCorrupt):
        converting.convert(version)
    assert not ConvertedArtifact.objects.exists()


def test_a_converted_file_that_was_swapped_does_not_serve(project):
    version = old_version(project, champion=True)
    converted = converting.convert(version)
    with open(storages["artifacts"].path(converted.artifact), "r+b") as file:
        file.seek(40)
        file.write(b"\x00\x01")
    assert answer(project).problems == {"model_unavailable": [1, 2]}
    with pytest.raises(model_cache.ModelUnavailable, match="ArtifactCorrupt"):
        model_cache.load(version)


def run_command(*arguments) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("convert_artifacts", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        err.write(str(error))
    return out.getvalue(), err.getvalue()


def test_the_command_converts_all_and_can_be_run_again(project, tmp_path):
    first, champion = old_version(project), old_version(ProjectFactory(), champion=True)
    malicious = old_version(project, unconvertible(tmp_path / "it ran"))
    new = ModelVersionFactory(project=project)

    assert run_command("--dry-run")[0].count("format 1") == 3
    assert not ConvertedArtifact.objects.exists()

    out, err = run_command()
    done = [line.rsplit(" ", 2)[1] for line in out.splitlines()]
    assert done == [f"{champion.label}:", f"{first.label}:"]
    assert f"{malicious.label} was not converted" in err
    assert "1 of 3 versions were not converted" in err
    assert set(ConvertedArtifact.objects.values_list("version", flat=True)) == {
        first.pk,
        champion.pk,
    }
    assert new.artifact_format == 2

    ConvertedArtifact.objects.get(version=first)
    out, err = run_command()
    assert out == ""
    assert "1 of 1" in err


def test_the_command_says_so_where_nothing_is_old():
    assert run_command() == ("No version has an artifact of an old format.\n", "")
