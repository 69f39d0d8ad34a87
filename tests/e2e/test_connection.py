"""Connecting: by key URL, by basic auth, with a dead token and with none."""

import pytest

from tests.e2e.labelstudio_client import Refusal
from tests.e2e.labelstudio_project import config

BASIC = ("annotator", "pass word")
KEY_POINTS = (
    '<View><Image name="image" value="$image"/><KeyPointLabels name="label" toName="image">'
    '<Label value="A"/></KeyPointLabels></View>'
)


def step(row: dict, name: str) -> dict:
    return next(s for s in row["connection"]["steps"] if s["step"] == name)


def checked(backend, uid: str) -> dict:
    """The project's row once its connection has been tried."""
    return backend.wait_for(
        lambda: (p := backend.project(uid)) and p["connection_checked_at"] and p,
        f"a check of {uid}",
    )


@pytest.fixture
def labelled(labelstudio):
    """A project with three labelled tasks and one bare one."""
    project = labelstudio.project("connected", config("Yes", "No"))
    project.import_labelled([("one", "Yes"), ("two", "No"), ("three", "Yes")])
    project.import_texts(["four"])
    return project


def test_the_key_url_is_all_that_a_user_pastes(labelled, backend):
    connection = labelled.connect(backend)
    assert connection.info()["state"] == "CO"
    backend.wait_for_sync(labelled.uid)
    backend.wait_for(lambda: len(backend.tasks(labelled.uid)) == 4, "four mirrored tasks")
    assert sorted(v["label"] for v in backend.labels(labelled.uid).values()) == ["No", "Yes", "Yes"]
    row = backend.wait_for(
        lambda: (p := backend.project(labelled.uid))["connection"].get("ok") and p,
        "a connection without fault",
    )
    assert row["connection"]["source"] == "setup"
    assert row["hostname"] == labelled.server.hostname
    assert [w["url"] for w in labelled.webhooks()] == [f"{backend.key_url}/webhook"]


@pytest.mark.nightly
def test_behind_basic_auth_the_webhook_is_repaired_and_annotations_arrive(labelled, start_backend):
    backend = start_backend(BASIC_AUTH_USER=BASIC[0], BASIC_AUTH_PASS=BASIC[1])
    labelled.connect(backend, basic_auth=BASIC)
    backend.wait_for(
        lambda: backend.project(labelled.uid)["connection"].get("ok"), "the repaired webhook"
    )
    (bare,) = (t["id"] for t in labelled.tasks() if not t["annotations"])
    labelled.annotate(bare, "No")
    backend.wait_for(
        lambda: backend.labels(labelled.uid).get(bare) == {"label": "No"}, "the annotation"
    )
    assert len(labelled.webhooks()) == 1


def test_wrong_credentials_are_refused_at_connect(labelled, backend):
    with pytest.raises(Refusal, match="authentication parameters"):
        labelled.connect(backend, basic_auth=("wrong", "wrong"))


def test_a_config_that_cannot_be_served_is_refused_at_connect(labelstudio, backend):
    project = labelstudio.project("key points", KEY_POINTS)
    with pytest.raises(Refusal) as refusal:
        project.connect(backend)
    # All of ours that Label Studio shows is the reason phrase.
    assert "400 Client Error: No control that this backend can serve. Add Choices on Text" in str(
        refusal.value
    )


@pytest.mark.nightly
def test_with_the_setup_token_dead_webhooks_teach_and_a_personal_access_token_cures(
    labelled, labelstudio, start_backend
):
    pat = labelstudio.personal_access_token()
    backend = start_backend()
    connection = labelled.connect(backend)
    # The last step of the first sync, which would else be taken after the tokens are off.
    backend.wait_for(lambda: backend.project(labelled.uid)["connection"].get("ok"), "its check")
    with labelstudio.without_legacy_tokens():
        failed = backend.manage("check_labelstudio", check=False)
        assert failed.returncode == 1
        assert "legacy tokens switched off" in failed.stdout
        assert "personal access token" in failed.stdout
        row = backend.project(labelled.uid)
        assert (row["connection"]["ok"], row["connection"]["failed"]) == (False, "token")
        assert [u["project"] for u in backend.get("/ready").json()["without_labelstudio"]]

        backend.restart(LABEL_STUDIO_URL=labelstudio.url, LABEL_STUDIO_API_KEY=pat)
        row = backend.wait_for(
            lambda: (p := backend.project(labelled.uid))["connection"].get("ok") and p,
            "the connection by personal access token",
        )
        assert row["connection"]["source"] == "environment"
    assert connection.info()["state"] == "CO"


@pytest.mark.nightly
def test_without_any_token_it_learns_from_webhooks_alone_and_says_so(
    labelled, labelstudio, start_backend
):
    with labelstudio.without_legacy_tokens():
        backend = start_backend()
        with labelstudio.as_browser():
            labelled.connect(backend)
            row = checked(backend, labelled.uid)
            assert row["connection"]["failed"] == "token"
            assert "personal access token" in step(row, "token")["cure"]
            new = labelled.import_texts(["five"])[0]
            labelled.annotate(new, "Yes")
        backend.wait_for(
            lambda: backend.labels(labelled.uid) == {new: {"label": "Yes"}}, "the annotation"
        )
        assert backend.project(labelled.uid)["synced_at"] is None


def test_a_project_deleted_in_label_studio_fails_its_check_and_stays_in_the_mirror(
    labelled, backend
):
    labelled.connect(backend)
    backend.wait_for_sync(labelled.uid)
    labelled.delete()
    check = backend.manage("check_labelstudio", labelled.uid, check=False)
    assert check.returncode == 1
    assert "FAIL project" in check.stdout
    assert len(backend.tasks(labelled.uid)) == 4


def test_a_connection_is_listed_edited_and_removed_and_its_webhook_goes_on(labelled, backend):
    connection = labelled.connect(backend)
    (listed,) = labelled.backends()
    assert (listed["id"], listed["state"], listed["error_message"]) == (connection.id, "CO", None)
    connection.edit(title="renamed", is_interactive=False)
    assert (connection.info()["title"], connection.info()["state"]) == ("renamed", "CO")
    with pytest.raises(Refusal, match="401 Client Error: This access key is unknown or revoked"):
        connection.edit(url=f"{backend.url}/k/{'a' * 32}")
    backend.wait_for_sync(labelled.uid)
    connection.delete()
    assert labelled.backends() == []
    (bare,) = (t["id"] for t in labelled.tasks() if not t["annotations"])
    labelled.annotate(bare, "No")
    backend.wait_for(
        lambda: backend.labels(labelled.uid).get(bare) == {"label": "No"}, "the annotation"
    )


def test_two_backends_that_are_connected_and_removed_leave_one_webhook_each(labelled, backend):
    labelled.connect(backend).delete()
    labelled.connect(backend)
    # The first sync ends with a check that repairs, too.
    backend.wait_for(lambda: backend.project(labelled.uid)["connection"].get("ok"), "its check")
    backend.manage("check_labelstudio", labelled.uid, "--fix")
    assert len(labelled.webhooks()) == 1
