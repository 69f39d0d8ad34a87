"""Dockerfile and docker-compose.yml: every command, path and variable in them exists."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

from tests.environment import SETTINGS

from .running import ROOT

OWN_SERVICES = {"web", "worker-events", "worker-training"}
# Not settings: what the database, Label Studio and Python read.
OTHER_VARIABLES = {
    "POSTGRES_PASSWORD",
    "LABEL_STUDIO_USERNAME",
    "LABEL_STUDIO_PASSWORD",
    *("PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"),
}


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text().replace("\\\n", " ")


def assert_runs(command: list[str]) -> None:
    """The command names a module or script of ours, with arguments that it takes."""
    program, *args = command
    assert program in {"python", "python3"}
    if args[0] == "-c":
        compile(args[1], "<command>", "exec")
    elif args[0] == "-m":
        assert importlib.util.find_spec(args[1])
        assert args[1:] in [["evals_backend.serve", p] for p in ("web", "events", "training")]
    else:
        assert (ROOT / args[0]).is_file()
        assert args[1] in get_commands()
        assert args[1:] in [["health", p] for p in ("web", "events", "training")]


def test_every_command_and_health_check_exists(compose):
    for name, service in compose["services"].items():
        check = service["healthcheck"]["test"]
        assert check[0] == "CMD"
        if name == "db":
            assert check[1] == "pg_isready"  # the database's own
            continue
        assert_runs(check[1:])
        if name in OWN_SERVICES:
            assert_runs(service["command"])


def test_each_process_checks_its_own_health(compose):
    for name in OWN_SERVICES:
        service = compose["services"][name]
        assert service["command"][-1] == service["healthcheck"]["test"][-1]
    commands = {compose["services"][name]["command"][-1] for name in OWN_SERVICES}
    assert commands == {"web", "events", "training"}


def test_every_variable_is_a_setting_or_someone_elses(compose, dockerfile):
    text = (ROOT / "docker-compose.yml").read_text()
    known = SETTINGS | OTHER_VARIABLES
    assert set(re.findall(r"\$\{(\w+)", text)) <= known
    for name in OWN_SERVICES:
        assert set(compose["services"][name]["environment"]) <= SETTINGS
    for line in re.findall(r"^ENV (.*)$", dockerfile, re.MULTILINE):
        assert set(re.findall(r"(\w+)=", line)) <= known


def test_every_copied_path_exists_and_is_not_ignored(dockerfile):
    stored = (ROOT / ".dockerignore").read_text().split()
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    copied = {path for line in lines for path in line.split()}
    assert {"LICENSE", "THIRD_PARTY.md", "manage.py", "evals_backend", "mlapi"} <= copied
    assert {"registry", "requirements.txt", "requirements-encoder.txt"} <= copied
    for path in copied:
        assert (ROOT / path).exists()
        assert f"!{path}" in stored


def test_the_image_has_what_automl_loads_of_the_system(dockerfile):
    folder = importlib.util.find_spec("lightgbm").submodule_search_locations[0]
    (library,) = Path(folder).rglob("lib_lightgbm.so")
    needed = subprocess.run(["ldd", library], capture_output=True, text=True, check=True).stdout
    assert "libgomp.so.1" in needed
    assert re.search(r"apt-get install .*\blibgomp1\b", dockerfile.rpartition("\nFROM ")[2])


def test_volumes_are_declared_and_data_lies_in_one(compose, dockerfile):
    data_dir = re.search(r"DATA_DIR=(\S+)", dockerfile)[1]
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]
        if name in OWN_SERVICES:
            assert f"data:{data_dir}" in service["volumes"]


def test_label_studio_may_call_a_private_address_and_a_name_with_a_dot(compose):
    label_studio = compose["services"]["label-studio"]
    assert label_studio["environment"]["ML_BLOCK_LOCAL_IP"] == "0"
    assert label_studio["environment"]["SSRF_PROTECTION_ENABLED"] == "0"
    assert label_studio["profiles"] == ["label-studio"]
    (alias,) = compose["services"]["web"]["networks"]["default"]["aliases"]
    assert "." in alias
    environment = compose["services"]["web"]["environment"]
    assert f"http://{alias}:9090" in environment["PUBLIC_URL"]
    (labelstudio_alias,) = label_studio["networks"]["default"]["aliases"]
    assert f"http://{labelstudio_alias}:8080" in environment["LABEL_STUDIO_URL"]


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="needs docker-compose")
def test_docker_compose_accepts_the_file():
    for profile in ([], ["--profile", "label-studio"]):
        done = subprocess.run(
            ["docker-compose", *profile, "config", "-q"],
            cwd=ROOT,
            env={**os.environ, "POSTGRES_PASSWORD": "x"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr


def label_studio_started(compose, tmp_path, password: str) -> str:
    """The password with which the service's command starts Label Studio."""
    program = tmp_path / "bin" / "label-studio"
    program.parent.mkdir(exist_ok=True)
    program.write_text('#!/bin/sh\nprintf %s "$LABEL_STUDIO_PASSWORD"\n')
    program.chmod(0o755)
    shell, options, script = compose["services"]["label-studio"]["command"]
    done = subprocess.run(
        [shell, options, script.replace("$$", "$")],
        env={
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "LOGIN": str(tmp_path / "first-login.txt"),
            "LABEL_STUDIO_PASSWORD": password,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_label_studio_has_an_account_also_without_a_password(compose, tmp_path):
    made = label_studio_started(compose, tmp_path, "")
    assert len(made) >= 20
    file = tmp_path / "first-login.txt"
    assert file.read_text().strip() == made
    assert file.stat().st_mode & 0o077 == 0
    assert label_studio_started(compose, tmp_path, "") == made  # also after a restart
    assert label_studio_started(compose, tmp_path, "chosen") == "chosen"
