"""Backups of a running server, and what is restored of them elsewhere."""

import json
import re
import subprocess
import sys
import tarfile
import threading
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from evals_backend import backup
from mlapi import serving
from registry import artifacts
from registry.actions import project_settings
from registry.models import ModelVersion
from tests.evals_backend.running import ROOT, environment
from tests.factories import LABEL_CONFIG, ModelVersionFactory
from tests.mlapi.trained import artifact
from tests.mlapi.training.projects import labelled_project

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_loaded_versions"),
]
TASKS = [{"id": i, "data": {"text": t}} for i, t in enumerate(["good great", "bad poor", ""])]
# What a server has there, as JSON: predictions, versions that cannot be read, tasks, a secret.
LOOK = f"""
import json
from django.contrib.auth.models import User
from mlapi import serving
from registry import artifacts
from registry.models import ModelVersion, Project
project = Project.objects.get(title="backed up")
for version in ModelVersion.objects.all():
    artifacts.read(version)
answer = serving.answer(project, {LABEL_CONFIG!r}, {TASKS!r})
print(json.dumps([answer.results, answer.model_version, project.tasks.count(),
    ModelVersion.objects.count(), project.labelstudio_key,
    User.objects.get(username="anna").password]))
"""


def manage(data_dir, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` with a data folder of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(data_dir, LOG_LEVEL="ERROR"),
        capture_output=True,
        text=True,
    )


@pytest.fixture
def project(django_user_model):
    django_user_model.objects.create_user("anna", password="a password")
    project = labelled_project({"Positive": 15, "Negative": 5}, title="backed up")
    project_settings.set_credentials(project, "http://ls.example", "a secret token", actor="t")
    ModelVersionFactory(project=project, content=artifact(), champion=True)
    project.refresh_from_db()
    return project


@pytest.fixture
def busy(project):
    """Versions are registered all the time, by another connection."""
    ended = threading.Event()

    def register() -> None:
        try:
            while not ended.wait(0.1):
                ModelVersionFactory(project=project)
        finally:
            connections.close_all()

    thread = threading.Thread(target=register)
    thread.start()
    while ModelVersion.objects.count() < 3:
        time.sleep(0.01)
    yield
    ended.set()
    thread.join()


@pytest.mark.parametrize("with_secrets", [True, pytest.param(False, marks=pytest.mark.nightly)])
def test_a_backup_restored_elsewhere_serves_the_same_predictions(
    project, busy, with_secrets, tmp_path, new_data_dir, django_user_model
):
    file = tmp_path / "backup.tar"
    out = StringIO()
    call_command("backup", str(file), with_secrets=with_secrets, stdout=out)
    assert file.stat().st_mode & 0o077 == 0
    assert "artifacts" in out.getvalue()
    with tarfile.open(file) as tar:
        names = tar.getnames()
        assert ("secrets.json" in names) == with_secrets
    assert (b"a secret token" in file.read_bytes()) is False
    answer = serving.answer(project, LABEL_CONFIG, TASKS)
    assert any(answer.results)

    data_dir = new_data_dir()
    done = manage(data_dir, "restore", str(file))
    assert done.returncode == 0, done.stderr
    assert ("read as empty" in done.stderr) != with_secrets
    restored = manage(data_dir, "shell", "-v", "0", "-c", LOOK)
    assert restored.returncode == 0, restored.stderr
    results, version, tasks, versions, key, password = json.loads(restored.stdout)
    assert without_ids(results) == without_ids(answer.results)
    assert (version, tasks) == (answer.model_version, 20)
    assert 3 <= versions <= ModelVersion.objects.count()
    assert key == ("a secret token" if with_secrets else "")
    assert password == django_user_model.objects.get(username="anna").password


def test_nothing_is_restored_over_what_is_there_without_saying_so(project, tmp_path):
    file = tmp_path / "backup.tar"
    call_command("backup", str(file), stdout=StringIO())
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", str(file))
    assert project.tasks.count() == 20


@pytest.mark.nightly
def test_existing_data_are_replaced_only_with_the_option_replace(project, tmp_path, new_data_dir):
    file, data_dir = tmp_path / "backup.tar", new_data_dir()
    call_command("backup", str(file), with_secrets=True, stdout=StringIO())
    assert manage(data_dir, "restore", str(file)).returncode == 0
    first = manage(data_dir, "shell", "-v", "0", "-c", LOOK)

    refused = manage(data_dir, "restore", str(file))
    assert refused.returncode == 1
    assert "not empty" in refused.stderr
    assert manage(data_dir, "restore", str(file), "--replace").returncode == 0
    again = manage(data_dir, "shell", "-v", "0", "-c", LOOK)
    assert json.loads(again.stdout)[1:] == json.loads(first.stdout)[1:]


def without_ids(results):
    """The predictions without their regions' ids, which are made for each answer."""
    text = json.dumps(results)
    return json.loads(re.sub(r'"id": "\w+"', '"id": ""', text))


def test_an_artifact_that_is_lost_is_named_and_the_rest_is_backed_up(project, tmp_path):
    lost = ModelVersionFactory(project=project)
    artifacts.fetch(lost).unlink()
    file, err = tmp_path / "backup.tar", StringIO()
    call_command("backup", str(file), stdout=StringIO(), stderr=err)
    assert lost.artifact in err.getvalue()
    with tarfile.open(file) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))
        assert "secrets.json" not in tar.getnames()  # unless they are requested
    assert list(manifest["missing"]) == [lost.artifact]
    assert project.champion.artifact in manifest["artifacts"]


def write_changed_backup(file, target, change) -> None:
    """Writes the backup with what `change` makes of its parts."""
    with tarfile.open(file) as tar:
        parts = {name: tar.extractfile(name).read() for name in tar.getnames()}
    change(parts)
    with tarfile.open(target, "w") as tar:
        for name, content in parts.items():
            backup._add(tar, name, content)


def later(parts):
    manifest = json.loads(parts["manifest.json"])
    manifest["migrations"].append("registry.9999_later")
    parts["manifest.json"] = json.dumps(manifest).encode()


def damaged(parts):
    (name,) = (name for name in parts if name.endswith(".artifact"))
    parts[name] = b"no longer what it was"


@pytest.mark.parametrize(
    ("change", "why"),
    [(later, "later release"), (damaged, "damaged"), (dict.clear, "no backup")],
    ids=["later", "damaged", "empty"],
)
def test_a_backup_that_cannot_be_restored_changes_nothing(project, tmp_path, change, why):
    file = tmp_path / "backup.tar"
    call_command("backup", str(file), stdout=StringIO())
    write_changed_backup(file, tmp_path / "changed.tar", change)
    with pytest.raises(CommandError, match=why):
        call_command("restore", str(tmp_path / "changed.tar"), replace=True)
    project.refresh_from_db()
    assert project.tasks.count() == 20


def test_nothing_is_restored_while_a_server_uses_the_database(project, busy, tmp_path):
    file = tmp_path / "backup.tar"
    call_command("backup", str(file), stdout=StringIO())
    with pytest.raises(CommandError, match="Stop the server"):
        call_command("restore", str(file), replace=True)
    assert project.tasks.count() == 20


def test_a_backup_that_breaks_off_leaves_no_file(project, tmp_path, monkeypatch):
    monkeypatch.setattr("evals_backend.postgres_tools._PLAIN", ("--no-such-option",))
    with pytest.raises(CommandError, match="pg_dump failed"):
        call_command("backup", str(tmp_path / "backup.tar"))
    assert list(tmp_path.iterdir()) == []
