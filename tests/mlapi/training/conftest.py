"""Fixtures of runs of trainings."""

import pytest

from mlapi.child_process import folder

from .projects import labelled_project


@pytest.fixture
def project():
    return labelled_project({"Positive": 35, "Negative": 25})


@pytest.fixture
def no_folder_is_left():
    yield
    assert list(folder.home().glob("run-*")) == []
