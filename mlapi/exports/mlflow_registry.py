"""Pushes exports to an MLflow server: a run with the metrics, a registered model, an alias.

By MLflow's REST, so that the backend needs no MLflow. The protocol is that of MLflow 3's server
with its own store of artifacts (`mlflow server`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
from django.conf import settings

from mlapi.certificates import tls
from mlapi.exports.folder import files
from registry.errors import EvalsError, Refused
from registry.models import Metric, ModelVersion

ALIAS = "champion"
_API = "/api/2.0/mlflow"
_ARTIFACTS = "mlflow-artifacts:"
_VERSION, _SHA256, _PROJECT = "evals.version", "evals.sha256", "evals.project"
_TIMEOUT_S = 60.0
_AT_ONCE = 500  # metrics of one request; MLflow takes 1,000


class MlflowError(EvalsError):
    """MLflow refused a request, or cannot be reached."""

    code = "mlflow_failed"


@dataclass(frozen=True)
class Pushed:
    """A version in MLflow: the registered model's name and its version there."""

    name: str
    number: str
    is_new: bool


def is_configured() -> bool:
    """Whether exports are pushed."""
    return bool(settings.MLFLOW_TRACKING_URI)


def push(version: ModelVersion) -> Pushed:
    """Push the version, unless it is there; the alias `champion` goes with the project's champion.

    Raises Refused without MLFLOW_TRACKING_URI, MlflowError, and what `folder.files` raises.
    """
    if not is_configured():
        raise Refused("No MLflow is configured.", hint="Set MLFLOW_TRACKING_URI.")
    with _Mlflow() as mlflow:
        name = f"evals-{version.project.uid}"
        number = mlflow.number_of(name, version)
        is_new = number is None
        if number is None:
            number = mlflow.add(name, version)
        if version.project.champion_id == version.pk:
            mlflow.call("POST", "registered-models/alias", name=name, alias=ALIAS, version=number)
    return Pushed(name, number, is_new)


class _Mlflow:
    """A connection to MLflow's REST."""

    def __enter__(self) -> "_Mlflow":
        headers, auth = {}, None
        if settings.MLFLOW_TRACKING_TOKEN:
            headers["Authorization"] = f"Bearer {settings.MLFLOW_TRACKING_TOKEN}"
        elif settings.MLFLOW_TRACKING_USERNAME:
            auth = (settings.MLFLOW_TRACKING_USERNAME, settings.MLFLOW_TRACKING_PASSWORD)
        self._http = httpx.Client(
            base_url=settings.MLFLOW_TRACKING_URI,
            headers=headers,
            auth=auth,
            timeout=_TIMEOUT_S,
            verify=tls(),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def number_of(self, name: str, version: ModelVersion) -> str | None:
        """The number that the version has in MLflow; None where it is not there."""
        if not self._exists(name):
            return None
        same_artifact = f"name='{name}' AND tags.`{_SHA256}`='{version.artifact_sha256}'"
        found = self.call("GET", "model-versions/search", filter=same_artifact)
        for one in found.get("model_versions", []):
            tags = {tag["key"]: tag["value"] for tag in one.get("tags", [])}
            if tags.get(_VERSION) == version.label and one.get("status", "READY") == "READY":
                return str(one["version"])
        return None

    def add(self, name: str, version: ModelVersion) -> str:
        """A run with the files of the export, and of it a new version of the registered model."""
        content = files(version)
        if not self._exists(name):
            title = version.project.title or version.project.uid
            self.call("POST", "registered-models/create", name=name, description=title)
        run = self.call(
            "POST",
            "runs/create",
            experiment_id=self._experiment(name),
            run_name=version.label,
            start_time=_milliseconds(version.created_at),
            tags=_tags(version),
        )["run"]["info"]
        source = f"{run['artifact_uri']}/model"
        for path, data in content.items():
            self._put(source, path, data)
        self._log(run["run_id"], version)
        found = self.call(
            "POST",
            "model-versions/create",
            name=name,
            source=source,
            run_id=run["run_id"],
            tags=_tags(version),
            description=f"{version.label}: {version.recipe}",
        )
        return str(found["model_version"]["version"])

    def call(self, method: str, route: str, **values: Any) -> dict[str, Any]:
        """What MLflow answers. Raises MlflowError."""
        if method == "GET":
            return self._sent(method, f"{_API}/{route}", params=values).json()
        return self._sent(method, f"{_API}/{route}", json=values).json()

    def _exists(self, name: str) -> bool:
        return self._found("registered-models/get", name=name) is not None

    def _experiment(self, name: str) -> str:
        found = self._found("experiments/get-by-name", experiment_name=name)
        if found is not None:
            return str(found["experiment"]["experiment_id"])
        return str(self.call("POST", "experiments/create", name=name)["experiment_id"])

    def _found(self, route: str, **values: str) -> dict[str, Any] | None:
        response = self._answered("GET", f"{_API}/{route}", params=values)
        if response.status_code == 404:
            return None
        return _checked(response).json()

    def _put(self, source: str, path: str, content: bytes) -> None:
        if not source.startswith(f"{_ARTIFACTS}/"):
            raise MlflowError(
                f"MLflow keeps its artifacts at {source}, not behind its own server.",
                hint="Start it with --artifacts-destination and without --no-serve-artifacts.",
            )
        where = source.removeprefix(_ARTIFACTS).lstrip("/")
        url = f"/api/2.0/mlflow-artifacts/artifacts/{where}/{quote(path)}"
        self._sent("PUT", url, content=content)

    def _log(self, run_id: str, version: ModelVersion) -> None:
        """The version's metrics on the holdout; the run has ended with it."""
        at = _milliseconds(version.created_at)
        rows = Metric.objects.whole().filter(version=version, value__isnull=False).order_by("id")
        metrics = [
            {
                "key": f"{row.target}/{row.name}" if row.target else row.name,
                "value": row.value,
                "timestamp": at,
                "step": 0,
            }
            for row in rows
        ]
        for start in range(0, len(metrics), _AT_ONCE):
            self.call(
                "POST", "runs/log-batch", run_id=run_id, metrics=metrics[start : start + _AT_ONCE]
            )
        self.call("POST", "runs/update", run_id=run_id, status="FINISHED", end_time=at)

    def _sent(self, method: str, url: str, **content: Any) -> httpx.Response:
        return _checked(self._answered(method, url, **content))

    def _answered(self, method: str, url: str, **content: Any) -> httpx.Response:
        try:
            return self._http.request(method, url, **content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            message = f"MLflow does not answer: {type(error).__name__}: {error}"
            raise MlflowError(message) from error


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    try:
        message = str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        message = response.reason_phrase
    raise MlflowError(f"MLflow answered {response.status_code}: {message[:500]}")


def _tags(version: ModelVersion) -> list[Mapping[str, str]]:
    tags = {
        _VERSION: version.label,
        _SHA256: version.artifact_sha256,
        _PROJECT: version.project.uid,
    }
    return [{"key": key, "value": value} for key, value in tags.items()]


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
