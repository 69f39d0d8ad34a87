"""Modules that the warm parent does not import, and functions that work without them."""

import subprocess
import sys

import pytest

from .running import ROOT, environment

UNUSED = (
    "numpy.f2py numpy.testing pandas.io.excel pandas.io.pytables pygments rapidfuzz regex"
    " requests rest_framework.test rich sklearn sqlalchemy.dialects.postgresql sqlalchemy_utils"
)
LATER = "requests pandas.testing sqlalchemy_utils.types numpy.f2py regex"
# Each runs in a fork of the warm parent, as all that serves does.
FORKS = {
    "unused": f"print([name for name in {UNUSED.split()} if name in sys.modules])",
    "later": f"for name in {LATER.split()}: print(importlib.import_module(name).__name__)",
    "names": "from sqlalchemy_utils import PasswordType; print(PasswordType.__name__)",
    "function": (
        "import io, pandas as pd\n"
        "html = io.StringIO('<table><tr><th>a</th></tr><tr><td>1</td></tr></table>')\n"
        "print(pd.read_html(html)[0].to_dict())\n"
        "from evadb.binder import statement_binder_context\n"
        "print(statement_binder_context.process.extractOne('txt', ['id', 'text'])[0])"
    ),
    "numpy": (
        "import numpy\n"
        "print({'f2py', 'testing', 'polynomial'} <= {*dir(numpy)} & {*numpy.__all__})\n"
        "print(numpy.testing.__name__)"
    ),
}
WARM_PARENT = """
import importlib, os, sys
import django
from evals_backend import warm_parent
warm_parent.limit_threads()
warm_parent.import_libraries()
django.setup()
"""
CODE = f"""{WARM_PARENT}
warm_parent.import_code(web=True, trains=True)
for name, lines in {FORKS!r}.items():
    print("#", name, flush=True)
    if os.fork() == 0:
        exec(lines)
        sys.stdout.flush()
        os._exit(0)
    assert os.wait()[1] == 0
"""
SERVES = f"""{WARM_PARENT}
warm_parent.import_code(web=True)
print(*sorted(name for name in sys.modules if name.startswith("mlapi.eva.")))
"""


def ran(code, data):
    """The process of the code, which has ended well."""
    env = environment(data) | {
        "DJANGO_SETTINGS_MODULE": "evals_backend.settings",
        "DATABASE_URL": "postgres:///unused",
        "SECRET_KEY": "unused",
    }
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The output of each fork."""
    done = ran(CODE, tmp_path_factory.mktemp("data"))
    assert "trainings_not_prepared" not in done.stderr
    parts = [part.partition("\n") for part in done.stdout.split("# ")[1:]]
    return {name: lines.strip() for name, _, lines in parts}


def test_unused_modules_are_not_imported(outputs):
    assert outputs["unused"] == "[]"


def test_a_module_that_was_left_out_can_be_imported_later(outputs):
    assert outputs["later"].split() == LATER.split()
    assert outputs["names"] == "PasswordType"


def test_functions_of_modules_that_were_left_out_import_them_when_they_are_called(outputs):
    assert outputs["function"].splitlines() == ["{'a': {0: 1}}", "text"]


def test_numpy_has_all_its_names_afterwards(outputs):
    assert outputs["numpy"].split() == ["True", "numpy.testing"]


def test_what_serves_without_training_imports_no_directories_and_statements_of_evadb(tmp_path):
    imported = ran(SERVES, tmp_path).stdout.split()
    assert "mlapi.eva.online" in imported
    assert not {"mlapi.eva.open", "mlapi.eva.execute"} & {*imported}
