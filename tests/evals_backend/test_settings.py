"""Settings: documented, read from files, and loud when they are wrong."""

import os
import re
import subprocess
import sys

import pytest

from tests.environment import SETTINGS

from .running import ROOT, environment

# Defaults that are plain values: the others are described in words.
DEFAULT = re.compile(r"\benv\.\w+\(\s*\"([A-Z_0-9]+)\",\s*default=(\"[^\"]+\"|\d+|True|False)\)")
DEFAULT_ROW = re.compile(r"^\| `([A-Z_0-9]+)` \| `([^`]+)` \|", re.MULTILINE)
ROW = re.compile(r"^\| `([A-Z_0-9]+)` \|", re.MULTILINE)
PAGE = ROOT / "docs" / "settings.md"


def test_every_setting_is_documented_and_every_documented_one_is_read():
    assert set(ROW.findall(PAGE.read_text())) == SETTINGS


def test_the_documented_defaults_are_those_that_are_read():
    source = (ROOT / "evals_backend" / "settings.py").read_text()
    documented = DEFAULT_ROW.findall(PAGE.read_text())
    read = {name: value.strip('"') for name, value in DEFAULT.findall(source)}
    output = {name: value for name, value in documented if name in read}
    assert len(output) > 10
    assert {name: read[name].lower() for name in output} == {
        name: value.lower() for name, value in output.items()
    }


def test_settings_are_read_from_the_environment_in_one_place():
    elsewhere = re.compile(r"os\.(environ\.get\(|environ\[|getenv\()\s*f?[\"'](\w+)[\"']\)")
    for package in ("evals_backend", "mlapi", "registry"):
        for path in (ROOT / package).rglob("*.py"):
            for _, name in elsewhere.findall(path.read_text()):
                assert name not in SETTINGS, f"{path} reads {name}"


def test_modules_of_the_tests_set_no_setting():
    """Every server that a test starts would inherit it, in a run of that module and no other."""
    assert {name for name in SETTINGS if name in os.environ} == {"DATA_DIR"}


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_of_certificates_that_has_none_stops_the_start(content, tmp_path):
    path = tmp_path / "house.pem"
    if content is not None:
        path.write_bytes(content)
    output = value_of("SSL_CERT_FILE", tmp_path, SSL_CERT_FILE=str(path))
    assert output.returncode
    assert "SSL_CERT_FILE" in output.stderr.splitlines()[-1]


def value_of(setting: str, tmp_path, **env: str) -> subprocess.CompletedProcess:
    """Print a setting as a fresh process sees it; the database is not touched."""
    defaults = {"DATABASE_URL": "postgres:///unused"} if "DATABASE_URL_FILE" not in env else {}
    return subprocess.run(
        [sys.executable, "-c", f"from evals_backend import settings; print(settings.{setting})"],
        cwd=ROOT,
        env=environment(tmp_path / "data", **{**defaults, **env}),
        capture_output=True,
        text=True,
    )


def test_a_secret_is_read_from_the_file_that_name_file_names(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("from the file\n")
    assert value_of("SECRET_KEY", tmp_path, SECRET_KEY_FILE=str(secret)).stdout == "from the file\n"


def test_the_database_url_can_be_a_secret_too(tmp_path):
    secret = tmp_path / "url"
    secret.write_text("postgres://me:pass@db.example:5432/name\n")
    read = value_of("DATABASES['default']['HOST']", tmp_path, DATABASE_URL_FILE=str(secret))
    assert read.stdout == "db.example\n"


def test_a_secret_may_begin_with_a_dollar(tmp_path):
    assert value_of("SECRET_KEY", tmp_path, SECRET_KEY="$ecret").stdout == "$ecret\n"


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_secret_file_that_is_missing_or_empty_is_an_error_that_names_it(tmp_path, content):
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_text(content)
    read = value_of("SECRET_KEY", tmp_path, SECRET_KEY_FILE=str(secret))
    assert read.returncode != 0
    assert "ImproperlyConfigured: SECRET_KEY_FILE" in read.stderr
    assert str(secret) in read.stderr


def test_a_secret_with_two_sources_is_an_error(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("one")
    read = value_of("SECRET_KEY", tmp_path, SECRET_KEY="two", SECRET_KEY_FILE=str(secret))
    assert "Set SECRET_KEY or SECRET_KEY_FILE, not both." in read.stderr


def test_half_of_the_basic_credentials_is_an_error(tmp_path):
    read = value_of("PORT", tmp_path, BASIC_AUTH_USER="me")
    assert "BASIC_AUTH_PASS" in read.stderr.splitlines()[-1]


def test_a_secret_key_is_created_once_and_readable_by_its_owner_only(tmp_path):
    first = value_of("SECRET_KEY", tmp_path).stdout
    assert len(first) > 50
    assert value_of("SECRET_KEY", tmp_path).stdout == first
    assert (tmp_path / "data" / "secret-key").stat().st_mode & 0o777 == 0o600


def test_the_public_name_is_allowed_and_may_post_forms(tmp_path):
    url = "https://ml.example.com/base/"
    assert "ml.example.com" in value_of("ALLOWED_HOSTS", tmp_path, PUBLIC_URL=url).stdout
    origins = value_of("CSRF_TRUSTED_ORIGINS", tmp_path, PUBLIC_URL=url).stdout
    assert origins == "['https://ml.example.com']\n"


def test_artifacts_can_be_stored_elsewhere(tmp_path):
    env = {
        "ARTIFACTS_BACKEND": "storages.backends.s3.S3Storage",
        "ARTIFACTS_OPTIONS": '{"bucket_name": "models"}',
    }
    read = value_of("STORAGES['artifacts']", tmp_path, **env).stdout
    expected = {"BACKEND": env["ARTIFACTS_BACKEND"], "OPTIONS": {"bucket_name": "models"}}
    assert read == f"{expected}\n"
