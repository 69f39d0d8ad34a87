"""Logging: one line a record, with the request's id, and never an access key."""

import io
import json
import logging
import logging.config

import pytest
import structlog

from evals_backend import logs

KEY = "telfva3veysa3h6qcvtdsnlo7oeekb72"


@pytest.fixture
def log_lines(settings):
    """Collects the lines of the JSON form; the tests' own logging comes back afterwards."""
    root, output = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    logging.config.dictConfig(logs.configure("INFO", "json"))
    root.handlers[0].setStream(output)
    yield lambda: [json.loads(line) for line in output.getvalue().splitlines()]
    root.handlers[:], level = before
    root.setLevel(level)
    logging.config.dictConfig(settings.LOGGING)


def test_a_librarys_record_becomes_a_line_with_the_requests_id(log_lines):
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        logging.getLogger("some.library").warning("took %d s", 3)
    (line,) = log_lines()
    assert line["event"] == "took 3 s"
    assert line["request_id"] == "r-1"
    assert line["level"] == "warning"


def test_our_own_record_keeps_its_fields(log_lines):
    structlog.get_logger("mlapi.test").info("run_queued", run=17)
    (line,) = log_lines()
    assert (line["event"], line["run"]) == ("run_queued", 17)


def test_keys_are_masked_in_messages_fields_and_tracebacks(log_lines):
    logging.getLogger("gunicorn.error").propagate = True
    logging.getLogger("gunicorn.error").error("Error handling request %s", f"/k/{KEY}/setup")
    structlog.get_logger("mlapi.test").warning("odd", url=f"http://h:9090/k/{KEY}")
    try:
        raise ValueError(f"no such page: /k/{KEY}/nothing")
    except ValueError:
        logging.getLogger("some.library").exception("failed")
    lines = log_lines()
    assert len(lines) == 3
    assert KEY not in json.dumps(lines)
    assert lines[0]["event"] == "Error handling request /k/***/setup"
    assert "ValueError: no such page: /k/***/nothing" in lines[2]["exception"]


@pytest.mark.parametrize(
    "path", ["/k{}/setup", "/{}/setup", "/versions?key={}", "/k%252f{}/setup", "HTTP Version: '{}'"]
)
def test_a_key_that_someone_put_elsewhere_is_masked_too(path, log_lines):
    logging.getLogger("some.library").warning("GET %s", path.format(KEY))
    structlog.get_logger("mlapi.test").warning("request_finished", request=path.format(KEY.upper()))
    text = json.dumps(log_lines()).lower()
    assert text.count("***") == 2
    assert KEY not in text


def test_digests_and_ids_are_not_mistaken_for_keys(log_lines):
    output = "sha256 9f86d081884c7d659a2feaa0c55ad015 request 3e7c4d52-0b2f-4f7c-9f0e-6f6f3d5a2b11"
    logging.getLogger("some.library").warning(output)
    assert log_lines()[0]["event"] == output
