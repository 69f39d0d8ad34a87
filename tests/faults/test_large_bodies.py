"""Bodies as large as they may be, of what costs most: answered in seconds, or refused at once."""

import json
from collections.abc import Iterable
from time import process_time

import pytest

from registry.json_http import CONTAINERS_MAX, VALUES_MAX
from registry.json_sanitize import sanitize
from registry.models import Event
from tests.factories import LABEL_CONFIG, ProjectFactory
from tests.mlapi.caller import Caller

pytestmark = pytest.mark.django_db
MB = 2**20
ROUTES = ["setup", "predict", "webhook", "train", "job_status", "versions", "validate"]
# CPU time of a refusal, and of an answer, in units of `unit_s`.
AT_ONCE, ANSWERED = 12, 60


@pytest.fixture
def call(key) -> Caller:
    return Caller(f"/k/{key.plain}")


@pytest.fixture
def unit_s() -> float:
    """CPU seconds in which this machine, busy as it is now, parses 8 MB of empty objects."""
    objects = body(repeated(b"{}", 2 * MB))
    started_at = process_time()
    json.loads(objects)
    return 4 * (process_time() - started_at)


def repeated(one: bytes, size: int) -> bytes:
    return b",".join([one] * (size // (len(one) + 1)))


def body(inner: bytes) -> bytes:
    return b'{"action": "X", "tasks": [' + inner + b"]}"


# Made where they are sent: together they are hundreds of megabytes.
TOO_MANY = {
    "empty objects": lambda: body(repeated(b"{}", 8 * MB)),
    "empty lists": lambda: body(repeated(b"[]", 8 * MB)),
    "numbers": lambda: body(repeated(b"1", 60 * MB)),
    "short texts": lambda: body(repeated(b'"a"', 60 * MB)),
    "keys": lambda: b"{" + b",".join(b'"%d":1' % i for i in range(VALUES_MAX + 1)) + b"}",
    "quotes": lambda: body(repeated(b'"\\""', 60 * MB)),
    "what is no JSON": lambda: b"[" * CONTAINERS_MAX * 2,
}


# Kinds of which a similar one, or a fifth of one, is sent daily.
NIGHTLY = {
    "empty lists",
    "half an emoji, and many numbers",
    "numbers",
    "NULs",
    "numbers of brush regions",
    "quotes",
    "short texts",
}


def each_kind(bodies: Iterable[str]) -> pytest.MarkDecorator:
    """Parametrizes a test by kind of body; those of NIGHTLY are marked so."""
    marks = pytest.mark.nightly
    kinds = [pytest.param(k, marks=marks) if k in NIGHTLY else k for k in bodies]
    return pytest.mark.parametrize("kind", kinds)


@each_kind(TOO_MANY)
def test_a_body_of_too_many_values_is_refused_at_once(kind, call, unit_s):
    sent = TOO_MANY[kind]()
    for route in ROUTES if kind == "empty objects" else ["webhook"]:
        started_at = process_time()
        answer = call.raw(f"/{route}", sent)
        assert process_time() - started_at < AT_ONCE * unit_s, route
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "too_many_values"
        assert "Send fewer at once" in answer.reason_phrase
    refused = Event.objects.filter(source=Event.Source.REFUSED)
    assert {row.payload["code"] for row in refused} == {"too_many_values"}


FITTING = {
    "one long text of commas and brackets": lambda: b'"' + b"a,[{" * (15 * MB) + b'"',
    "texts with escaped quotes": lambda: repeated(
        b'"<a href=\\"x\\">, [and] {so} on' + b"x" * 90 + b'"', 60 * MB
    ),
    "numbers of brush regions": lambda: repeated(
        b'{"rle":[' + repeated(b"123", 400_000) + b"]}", 19 * MB
    ),
    "NULs": lambda: b'"' + b"\\u0000" * (8 * MB) + b'"',
    "half an emoji, and many numbers": lambda: b'"\\ud800",' + repeated(b"1", 9 * MB),
    "as many objects as there may be": lambda: repeated(b'{"a":1}', 8 * (CONTAINERS_MAX - 10)),
}


@each_kind(FITTING)
def test_a_large_body_that_fits_is_answered_in_seconds_and_stored(kind, call, unit_s):
    post_within(call, FITTING[kind](), ANSWERED * unit_s)


@pytest.mark.parametrize(
    "inner",
    [b'"\\ud800",' + repeated(b"1", 9 * MB // 5), b'"' + b"\\u0000" * (8 * MB // 5) + b'"'],
    ids=["half an emoji, and numbers", "NULs"],
)
def test_a_fifth_of_what_is_slow_to_mend_is_answered_in_a_fifth_of_the_time(inner, call, unit_s):
    post_within(call, inner, ANSWERED * unit_s / 5)


def post_within(call: Caller, inner: bytes, within_s: float) -> None:
    sent = body(inner)
    started_at = process_time()
    answer = call.raw("/webhook", sent)
    assert process_time() - started_at < within_s
    assert answer.status_code == 200, answer.text
    assert Event.objects.get(pk=answer.json()["event"]).payload["action"] == "X"


def test_a_list_of_numbers_is_stored_as_they_are():
    odd = [[1, 2.5, -(2**63)], [1, 2**64], [1.0, float("nan")], [True, 1], [2**70], [], [1, "a"]]
    assert sanitize(odd) == [
        [1, 2.5, -(2**63)],
        [1, float(2**64)],
        [1.0, None],
        [True, 1],
        [float(2**70)],
        [],
        [1, "a"],
    ]


@pytest.mark.parametrize("n", [1_001, 12_000])
@pytest.mark.parametrize("route", ["setup", "validate", "predict"])
def test_a_label_config_of_too_many_controls_is_refused(n, route, call, unit_s):
    project = ProjectFactory()
    started_at = process_time()
    config = controls(n)
    sent = {"project": project.uid, "schema": config, "config": config, "label_config": config}
    answer = call.post(f"/{route}", sent | {"tasks": [{"id": 1, "data": {"t": "x"}}]})
    assert process_time() - started_at < AT_ONCE * unit_s
    if route == "predict":
        assert answer.json()["results"] == [[]]
        return
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "label_config_invalid"
    assert "more than 1000 control tags" in answer.reason_phrase


def controls(n: int) -> str:
    conditions = 'visibleWhen="choice-selected" whenTagName="c0"'
    one = '<Choices name="c%d" toName="t" %s><Choice value="a"/><Choice value="b"/></Choices>'
    inner = "".join(one % (i, conditions if i else "") for i in range(n))
    return f'<View><Text name="t" value="$t"/>{inner}</View>'


def test_as_many_controls_as_there_may_be_are_answered_in_seconds(call, unit_s):
    started_at = process_time()
    answer = call.post("/validate", {"config": controls(1_000)})
    assert process_time() - started_at < ANSWERED * unit_s
    assert len(answer.json()["targets"]) == 1_000


def test_too_many_tasks_are_refused_and_as_many_as_there_may_be_are_answered(call, unit_s):
    tasks = [{"id": i, "data": {"text": "x"}} for i in range(10_001)]
    sent = {"project": ProjectFactory().uid, "label_config": LABEL_CONFIG, "tasks": tasks}
    answer = call.raw("/predict", json.dumps(sent).encode())
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_many_tasks"
    started_at = process_time()
    answer = call.raw("/predict", json.dumps(sent | {"tasks": tasks[:-1]}).encode())
    assert process_time() - started_at < ANSWERED * unit_s
    assert len(answer.json()["results"]) == 10_000
