"""The queries of the dashboard and of the alert rules."""

import json
import re
from typing import Any

import yaml

from tests.evals_backend.running import ROOT

DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/evals-backend.json").read_text())
RULES: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
# What Grafana fills in.
_VARIABLES = {"$__rate_interval": "1m", "$project": ".*"}


def of_dashboard() -> dict[str, str]:
    """The queries of the dashboard, by the title of the panel."""
    found = {}
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for name, value in _VARIABLES.items():
                expression = expression.replace(name, value)
            found[f"{panel['title']} {target['refId']}"] = expression
    return found


def of_alerts() -> dict[str, str]:
    """The queries of the alert rules, by the name of the alert."""
    (group,) = RULES["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def metrics_in(expressions: dict[str, str]) -> set[str]:
    """The names of our metrics in them."""
    return set(re.findall(r"\bevals_\w+", " ".join(expressions.values())))
