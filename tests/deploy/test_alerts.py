"""The alert rules: promtool accepts them, each fires for its cause, and names metrics of ours."""

import re
import subprocess

from tests.deploy import queries
from tests.deploy.prometheus import program
from tests.documentation.pages import section
from tests.evals_backend.running import ROOT


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        [program("promtool"), *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_accepts_the_rules():
    rules = len(queries.of_alerts())
    out = promtool("check", "rules", "deploy/prometheus/alerts.yml")
    assert f"SUCCESS: {rules} rules found" in out


def test_promtool_accepts_the_configuration():
    promtool("check", "config", "--syntax-only", "deploy/prometheus/prometheus.yml")


def test_each_alert_fires_for_its_cause_and_no_other():
    promtool("test", "rules", "tests/deploy/alerts_test.yml")


def test_each_alert_has_a_case_where_it_fires_and_one_where_it_does_not():
    text = (ROOT / "tests/deploy/alerts_test.yml").read_text()
    cases = re.findall(r"alertname: (\w+)", text)
    assert sorted(cases) == sorted([*queries.of_alerts()] * 2)


def test_each_alert_says_what_to_do():
    (group,) = queries.RULES["groups"]
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "cure"}


def test_every_alert_is_documented():
    text = section("docs/operations.md", "Alerts")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(queries.of_alerts())
