"""Projects whose label config the mirror has, or that a stand-in for Label Studio has."""

from collections.abc import Iterator

import pytest

from mlapi.mirror import apply_changes
from mlapi.mirror import sync as sync_module
from registry.actions import project_settings, projects
from registry.models import Project
from tests.e2e.labelstudio_project import config
from tests.factories import ProjectFactory
from tests.mlapi.labelstudio.webhooks import CONFIG
from tests.mlapi.labelstudio_api import UID, LabelStudioAPI


@pytest.fixture
def project():
    project = ProjectFactory(label_config="", fingerprint="", pipeline="")
    apply_changes.refresh_config(project, CONFIG)
    return project


@pytest.fixture
def labelstudio_api(monkeypatch) -> Iterator[LabelStudioAPI]:
    """Label Studio with 20 labelled tasks, ids 1 to 20."""
    monkeypatch.setattr(sync_module, "_CONNECTING_S", ())
    with LabelStudioAPI(config("A", "B")) as api:
        for i in range(20):
            api.add({"text": f"text {i}"}, "AB"[i % 2])
        yield api


@pytest.fixture
def connected_project(labelstudio_api) -> Project:
    """The project of that Label Studio, before its first sync."""
    project = projects.get_or_create(UID)
    project_settings.set_credentials(project, labelstudio_api.url, "a-token", actor="test")
    return project
