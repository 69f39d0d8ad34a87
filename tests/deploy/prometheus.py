"""Debian's Prometheus: its programs, and one that runs and scrapes a server of ours."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.evals_backend.running import ROOT
from tests.ports import free_port
from tests.waiting import eventually

# `make prometheus` unpacks Debian's package there: installed, it would start a server on our port.
_UNPACKED = ROOT / ".prometheus" / "usr" / "bin"


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`; skips the test where there is none."""
    found = shutil.which(name) or shutil.which(name, path=_UNPACKED)
    if found is None:
        pytest.skip(f"needs Debian's {name}: make prometheus")
    return found


class Prometheus:
    """A server that scrapes `target` every few seconds, as the user of that REST token."""

    def __init__(self, folder: Path, target: str, token: str) -> None:
        credentials = folder / "token"
        credentials.write_text(token)
        config = folder / "prometheus.yml"
        config.write_text(_config(target, credentials))
        self._port = free_port()
        self._process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self._port}",
                "--log.level=error",
            ]
        )

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query; raises OSError while the server starts."""
        url = f"http://127.0.0.1:{self._port}/api/v1/query?{urlencode({'query': expression})}"
        with urlopen(url, timeout=60) as response:
            return json.load(response)["data"]["result"]

    def wait_for(self, expression: str) -> list[dict[str, Any]]:
        """The result, as soon as there is one."""
        found: list[dict[str, Any]] = []

        def answers() -> bool:
            found[:] = self._query_quietly(expression)
            return bool(found)

        assert eventually(answers), expression
        return found

    def _query_quietly(self, expression: str) -> list[dict[str, Any]]:
        try:
            return self.query(expression)
        except ConnectionError:
            return []
        except OSError as error:  # urlopen's own, which has the cause
            is_starting = isinstance(error, HTTPError) and error.code == 503
            if is_starting or isinstance(getattr(error, "reason", None), ConnectionError):
                return []
            raise

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)


def _config(target: str, credentials: Path) -> str:
    """The configuration of deploy/prometheus/prometheus.yml, for this server and more often."""
    text = (ROOT / "deploy/prometheus/prometheus.yml").read_text()
    assert '["127.0.0.1:9090"]' in text and "scrape_interval: 15s" in text
    return (
        text.replace('["127.0.0.1:9090"]', f'["{target}"]')
        .replace("scrape_interval: 15s", "scrape_interval: 3s\n    scrape_timeout: 3s")
        .replace("/etc/prometheus/evals-token", str(credentials))
        .replace("alerts.yml", str(ROOT / "deploy/prometheus/alerts.yml"))
    )
