"""The benchmarks run end to end, in a tiny setting."""

import re
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest

from benchmarks import encoding, events, overload, reading, serving, training
from benchmarks.harness import report
from tests.http_server import serve

pytestmark = pytest.mark.nightly


class OtherBackend(BaseHTTPRequestHandler):
    """A backend that says the same of every task, and refuses every second webhook.

    Its version is in each prediction, as today's label-studio-ml has it.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    webhooks = 0

    def do_GET(self):
        self.answer(200, {"status": "UP"})

    def do_POST(self):
        body = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/webhook":
            type(self).webhooks += 1
            self.answer(500 if self.webhooks % 2 else 201, {})
        elif self.path == "/predict":
            answered = {"result": [{"value": {"choices": ["music"]}}], "model_version": "1"}
            self.answer(200, {"results": [answered] * len(body["tasks"])})
        else:
            self.answer(200, {"model_version": "1"})

    def answer(self, status, body):
        content = orjson.dumps(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def other_url():
    with ThreadingHTTPServer(("127.0.0.1", 0), OtherBackend) as server:
        serve(server)
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def rows(printed: str) -> dict[str, list[str]]:
    """The cells of each row of the tables, by the first."""
    lines = re.findall(r"^\| (.*) \|$", printed, re.MULTILINE)
    return {first: rest for first, *rest in (line.split(" | ") for line in lines)}


def number(cell: str) -> float:
    """The number of a cell, such as 1,029."""
    return float(cell.replace(",", ""))


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed: see `make bench`")
def test_serving_compares_this_project_with_a_backend_by_its_url(other_url, capsys):
    small = ["--texts=60", "--rounds=2", "--seconds=1", "--events=4", "--requests=10"]
    assert serving.main(["--vs", other_url, *small, "--starts=1"]) == 0
    found = rows(capsys.readouterr().out)
    compared = [serving.HEALTH, serving.ONE, serving.MANY, serving.ALONE, serving.SETUP]
    for own, other, ratio, _ in map(found.get, compared):
        assert own and other and number(ratio) > 0
    # Two rounds may have one ratio to three digits, but hardly in each row.
    assert any(" to " in found[row][3] for row in compared)
    assert found[serving.COMMIT][0] and not found[serving.COMMIT][1].strip()
    assert number(found[serving.START][0]) > 0
    assert found[serving.ERRORS][:2] == ["0", "4"]  # each second one of two rounds of four
    assert any("one per core" in row and cells[1].endswith("%)") for row, cells in found.items())


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed: see `make bench`")
def test_quick_routes_are_timed_beside_too_many_predictions(other_url, capsys):
    small = ["--texts=60", "--rounds=1", "--seconds=1", "--clients=96"]
    assert overload.main(["--vs", other_url, *small]) == 0
    found = rows(capsys.readouterr().out)
    for beside in ("nothing", "96 clients of `/predict`", "8 slow bodies", "a training"):
        for route in ("/health", "/webhook"):
            own, other, *_ = found[f"`{route}` beside {beside}, p99 ms"]
            assert number(own) > 0 and number(other) > 0
    assert number(found[overload.REFUSED][0]) > 0 and not found[overload.REFUSED][1].strip()
    assert found[overload.NO_RETRY_AFTER][:2] == ["0", "0"]
    own_errors, other_errors = found[overload.ERRORS][:2]
    assert own_errors == "0" and int(other_errors) > 0  # it refuses every second webhook


def test_training_is_timed_by_phase_for_both_triggers(capsys):
    assert training.main(["--texts", "60", "--changes", "3", "--vs", "nothing"]) == 0
    found = rows(capsys.readouterr().out)
    assert len(found[training.TOTAL]) == 4
    assert all(number(cell) > 0 for cell in found[training.TOTAL])
    assert any(row.startswith("phase: ") for row in found)
    assert all(number(cell) > 0 for cell in found[training.PEAK])


def test_a_reading_is_timed_and_its_tasks_counted(capsys):
    assert reading.main(["--texts", "60", "--changes", "5"]) == 0
    found = rows(capsys.readouterr().out)
    assert float(found[reading.FIRST_VERSION][0]) > 0
    assert all(float(cell) > 0 for cell in found[reading.READ] + found[reading.THEIRS])
    first, again = map(int, found[reading.TASKS])
    assert first >= 60 and again >= 5


def test_events_are_counted_alone_beside_waiting_ones_and_with_a_champion(capsys):
    assert events.main(["--events", "20", "--waiting", "30", "--seconds", "60"]) == 0
    found = rows(capsys.readouterr().out)
    applied = [cells for row, cells in found.items() if row.strip()]
    assert len(applied) == 3
    assert all(number(rate) > 0 and int(done.split()[0]) >= 20 for rate, done, _ in applied)


def test_the_stages_of_a_prediction_are_measured():
    command = [sys.executable, "-m", "benchmarks.online", "--texts", "40", "--rounds", "20"]
    done = subprocess.run(command, cwd=report.ROOT, capture_output=True, text=True, check=True)

    found = rows(done.stdout)
    assert [cell.endswith("(100%)") for cell in found["the whole Django request"]] == [True] * 3
    assert len(found["the estimator"]) == 3


@pytest.mark.encoder
def test_texts_without_a_vector_are_timed_and_one_process_encodes_them(capsys):
    assert encoding.main(["--requests", "6"]) == 0
    found = rows(capsys.readouterr().out)
    for tokens in encoding.TOKENS:
        (taken,) = found[f"`/predict`, new {tokens}, ms"]
        assert number(taken.split()[0]) > 0
    assert found["encoder processes"] == ["1"]


def test_engines_of_boxes_are_measured_by_the_number_of_images():
    command = [sys.executable, "-m", "benchmarks.detection", "--engines", "patches"]
    arguments = ["--images", "4", "--scenes", "shapes"]
    done = subprocess.run(
        [*command, *arguments], cwd=report.ROOT, capture_output=True, text=True, check=True
    )

    images, engine, *numbers = rows(done.stdout)["shapes"]
    assert (images, engine) == ("4", "`patches`")
    assert len(numbers) == 5
    assert 0 <= number(numbers[0]) <= 1
    assert all(number(cell) > 0 for cell in numbers[3:])
