"""A project in the real Label Studio, and the same project in the registry."""

import pytest

from registry.actions import project_settings
from registry.actions import projects as actions
from registry.models import Project
from tests.e2e.labelstudio_project import LSProject
from tests.e2e.labelstudio_server import LabelStudioServer


@pytest.fixture
def ls_project(labelstudio: LabelStudioServer) -> LSProject:
    """A new project in Label Studio, with choices A and B."""
    return labelstudio.project("client tests")


@pytest.fixture
def registry_project(ls_project: LSProject, db) -> Project:
    """The project's row in the registry, with credentials of its own."""
    project = actions.get_or_create(ls_project.uid, title="client tests")
    project_settings.set_credentials(
        project, ls_project.server.url, ls_project.server.token, actor="test"
    )
    return project
