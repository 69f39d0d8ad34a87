"""The client and its command line against the whole server: each kind of route, and refusals."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.e2e.texts import pairs
from tests.e2e.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "client"
CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    '<Choice value="A"/><Choice value="B"/></Choices></View>'
)
UID = "4711.1795420847"


def annotated() -> list[dict]:
    """Annotated tasks, as the older protocol sends them."""
    return [
        {
            "id": number,
            "data": {"text": text},
            "annotations": [
                {
                    "id": 1_000 + number,
                    "was_cancelled": False,
                    "result": [
                        {
                            "id": f"r{number}",
                            "type": "choices",
                            "from_name": "label",
                            "to_name": "text",
                            "value": {"choices": [label]},
                        }
                    ],
                }
            ],
        }
        for number, (text, label) in enumerate(pairs(60, "AB", seed=51), start=1)
    ]


@pytest.fixture(scope="module")
def evals(backend, admin_token):
    """The client of the server's admin."""
    sys.path.insert(0, str(CLIENT))
    try:
        from evals_client import Evals

        with Evals(backend.url, admin_token) as client:
            yield client
    finally:
        sys.path.remove(str(CLIENT))


@pytest.fixture(scope="module")
def trained(backend, evals):
    """A project with a version, trained by the server's own workers."""
    setup = {"project": UID, "schema": CONFIG, "hostname": "http://127.0.0.1:9"}
    assert backend.post("/setup", setup).status_code == 200
    assert backend.post("/train", {"project": UID, "annotations": annotated()}).status_code == 201
    (project,) = evals.projects.list(uid=UID)

    def ended():
        found = list(evals.runs.list(project=project["id"]))
        errors = [run["error"] for run in found if run["state"] == "failed"]
        assert not errors, errors
        return list(evals.versions.list(project=project["id"], champion=True))

    (version,) = wait_for(ended, "a version that serves", 600)
    return SimpleNamespace(project=project["id"], version=version["id"], label=version["label"])


@pytest.fixture
def command(backend, admin_token, tmp_path):
    """`command("versions", "list")`: the program that ended, with the URL and a token file."""
    secret = tmp_path / "token"
    secret.write_text(f"{admin_token}\n")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(CLIENT),
        "EVALS_URL": backend.url,
        "EVALS_TOKEN_FILE": str(secret),
    }

    def run(*arguments, **more):
        return subprocess.run(
            [sys.executable, "-c", "from evals_client.command import main; main()", *arguments],
            env=environment | more,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    return run


def test_a_list_is_followed_over_its_pages(evals):
    made = [evals.access_keys.create(name=f"key {i}")["id"] for i in range(3)]
    listed = [key["id"] for key in evals.access_keys.list(page_size=1, search="key")]
    assert sorted(set(listed) & set(made)) == sorted(made)
    assert len(listed) == len(set(listed))


def test_an_action_changes_the_row_and_is_an_audit_entry(evals):
    key = evals.access_keys.create(name="short-lived", reason="For a test.")
    assert key["url"].endswith(key["key"])

    revoked = evals.access_keys.revoke(key["id"], reason="It is over.")

    assert revoked["revoked_at"]
    last = next(evals.audit_entries.list(verb="revoke_key"))
    assert (last["actor"], last["reason"]) == ("admin", "It is over.")


def test_a_refusal_has_code_cause_and_cure(evals, trained):
    from evals_client import EvalsError

    with pytest.raises(EvalsError) as refused:
        evals.versions.archive(trained.version, reason="Tidy up.")

    error = refused.value
    assert (error.status, error.code) == (409, "champion_not_archivable")
    assert error.hint == "Promote another version first."
    assert error.request_id
    with pytest.raises(EvalsError) as unknown:
        evals.versions.get(10**9)
    assert unknown.value.code == "not_found"


def test_reports_files_and_texts_of_a_version_are_read(evals, trained):
    version = evals.versions.get(trained.version)
    assert version["targets"][0]["labels"] == ["A", "B"]
    assert evals.versions.card(trained.version)["version"] == trained.label
    assert evals.versions.card_markdown(trained.version).startswith(f"# {trained.label}")
    assert len(evals.versions.artifact(trained.version)) == version["artifact_bytes"]
    assert isinstance(evals.versions.mistakes(trained.version, limit=3), list)
    with zipfile.ZipFile(io.BytesIO(evals.versions.export(trained.version))) as archive:
        assert f"{trained.label}/MLmodel" in archive.namelist()


def test_settings_are_changed_and_what_is_left_out_stays(evals, trained):
    before = evals.projects.get(trained.project)
    changed = evals.projects.update(trained.project, promotion_rule="never", reason="By hand.")
    assert changed["promotion_rule"] == "never"
    assert changed["options"] == before["options"]


def test_the_command_prints_a_table_for_people_and_json_for_programs(command, trained):
    table = command("versions", "list", "--project", str(trained.project))
    assert table.returncode == 0, table.stderr
    assert trained.label in table.stdout and "champion" in table.stdout

    printed = command("versions", "list", "--project", str(trained.project), "--json")
    assert [row["label"] for row in json.loads(printed.stdout)] == [trained.label]

    one = command("versions", "get", str(trained.version))
    assert trained.label in one.stdout


def test_the_command_takes_projects_and_versions_by_name(command, trained):
    for name in (UID, str(trained.project)):
        shown = command(name, "--json")
        assert shown.returncode == 0, shown.stderr
        assert json.loads(shown.stdout)["uid"] == UID
    for version in ("v1", trained.label):
        shown = command(UID, version, "--json")
        assert json.loads(shown.stdout)["id"] == trained.version
    noted = command(UID, "v1", "note", "--note", "By name.", "--json")
    assert json.loads(noted.stdout)["note"] == "By name."

    for arguments, message in (
        (["nothing"], "There is no project 'nothing', and no such command."),
        ([UID, "v9"], "The project has no version v9."),
        ([UID, "v1-000000"], "The project has no version v1-000000."),
        ([UID, "v1", "dance"], "versions have no action 'dance'."),
    ):
        wrong = command(*arguments)
        assert wrong.returncode == 2
        assert message in wrong.stderr


def test_the_command_executes_actions_and_writes_files(command, trained, tmp_path):
    noted = command("versions", "note", str(trained.version), "--note", "By the client.", "--json")
    assert noted.returncode == 0, noted.stderr
    assert json.loads(noted.stdout)["note"] == "By the client."

    saved = command("versions", "export", str(trained.version))
    assert saved.returncode == 0, saved.stderr
    assert zipfile.is_zipfile(tmp_path / f"{trained.label}.export.zip")
    learned = command("versions", "dataset", str(trained.version), "--as", "labelstudio", "-o", "-")
    assert len(json.loads(learned.stdout)) == 60
    card = command("versions", "card-markdown", str(trained.version))
    assert card.stdout.startswith(f"# {trained.label}")


def test_the_command_says_why_it_is_refused(command, trained):
    refused = command("versions", "archive", str(trained.version), "--reason", "Tidy up.")
    assert refused.returncode == 1
    assert "Promote another version first." in refused.stderr
    assert "champion_not_archivable" in refused.stderr

    lacking = command("versions", "promote", str(trained.version))
    assert lacking.returncode == 2
    assert "--reason" in lacking.stderr

    nowhere = command("projects", "list", EVALS_URL="http://127.0.0.1:9")
    assert nowhere.returncode == 1
    assert "does not answer" in nowhere.stderr

    wrong = command("--token", "wrong", "projects", "list")
    assert wrong.returncode == 1
    assert "credentials_wrong" in wrong.stderr
