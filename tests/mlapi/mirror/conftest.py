"""A project whose label config the mirror has."""

import pytest

from mlapi.mirror import apply_changes
from tests.factories import ProjectFactory
from tests.mlapi.labelstudio.webhooks import CONFIG


@pytest.fixture
def project():
    project = ProjectFactory(label_config="", fingerprint="", pipeline="")
    apply_changes.refresh_config(project, CONFIG)
    return project
