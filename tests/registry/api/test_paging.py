"""Lists: pages that hold under inserts, orders with ties and gaps, and invalid parameters."""

import base64
import json

import pytest
from django.db.models import F

from registry.actions import keys
from registry.models import AccessKey
from tests import factories as make

from .conftest import AUTH_QUERIES, assert_queries, code


@pytest.fixture
def nine_keys(db):
    """Nine keys of three names; a third was used, and never at the same time."""
    made = [make.AccessKeyFactory(name=f"key {i % 3}") for i in range(9)]
    for key in made[::3]:
        keys.note_use(key)
    return made


def walk(caller, route, query):
    """The ids of each page, forward from the first and backward from the last."""
    url, forward = None, []
    while True:
        answer = (caller.get(route, query) if url is None else follow(caller, url)).json()
        forward.append([row["id"] for row in answer["results"]])
        url = answer["next"]
        if url is None:
            break
    backward, url = [forward[-1]], answer["previous"]
    while url is not None:
        answer = follow(caller, url).json()
        backward.insert(0, [row["id"] for row in answer["results"]])
        url = answer["previous"]
    return forward, backward


def follow(caller, url):
    answer = caller.client.get(url, headers=caller.headers)
    assert answer.status_code == 200, answer.content
    return answer


@pytest.mark.parametrize("field", ["id", "name", "created_at", "last_used_at"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_every_row_is_on_one_page_in_every_order_forward_and_backward(
    admin, nine_keys, field, sign
):
    forward, backward = walk(admin, "access-keys/", {"ordering": sign + field, "page_size": 2})
    by = F(field).desc(nulls_last=True) if sign else F(field).asc(nulls_last=True)
    ordered = AccessKey.objects.order_by(by, f"{sign}id").values_list("pk", flat=True)
    assert sum(forward, []) == list(ordered)
    assert backward == forward
    assert [len(page) for page in forward] == [2, 2, 2, 2, 1]


def test_rows_inserted_between_two_pages_move_nothing(admin, project):
    events = [make.EventFactory(project=project).pk for _ in range(6)]
    first = admin.get("events/", {"page_size": 3}).json()
    newer = [make.EventFactory(project=project).pk for _ in range(2)]
    second = follow(admin, first["next"]).json()
    ids = [row["id"] for page in (first, second) for row in page["results"]]
    assert ids == events[::-1]
    before = follow(admin, second["previous"]).json()
    assert [row["id"] for row in before["results"]] == events[:2:-1]
    newest = follow(admin, before["previous"]).json()
    assert [row["id"] for row in newest["results"]] == newer[::-1]


def test_a_page_costs_the_same_wherever_it_is(admin, nine_keys):
    first = admin.get("access-keys/", {"page_size": 2})
    with assert_queries(AUTH_QUERIES + 1):
        follow(admin, first.json()["next"])


def test_an_empty_list_has_no_pages(admin, db):
    assert admin.get("access-keys/").json() == {"next": None, "previous": None, "results": []}


def cursor(*place):
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "%",
        "é",
        "AAAA",
        cursor("-id"),
        cursor("id", False, 1, 1),
        cursor("-id", 0, 1, 1),
        cursor("-id", False, "x", 1),
        cursor("-id", False, {}, 1),
        cursor("-id", False, 1, "1"),
        "W" * 2001,
    ],
)
def test_a_cursor_that_no_page_returned_is_refused(admin, nine_keys, value):
    answer = admin.get("access-keys/", {"cursor": value})
    assert answer.status_code == 400
    assert code(answer) in ("cursor_invalid", "input_invalid")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 10**40),
        ("name", "\x00"),
        ("name", "\ud800"),
        ("created_at", "0001-01-01T00:00+14:00"),
    ],
)
def test_a_forged_cursor_breaks_nothing(admin, nine_keys, field, value):
    place = cursor(field, False, value, 10**40)
    answer = admin.get("access-keys/", {"cursor": place, "ordering": field})
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("size", ["0", "-1", "501", "x", "1.5"])
def test_a_page_size_out_of_bounds_is_refused(admin, size):
    answer = admin.get("access-keys/", {"page_size": size})
    assert code(answer) == "input_invalid"
    assert "page_size" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("route", "query"),
    [
        ("projects/", {"projct": "1"}),
        ("versions/", {"champion": "yes"}),
        ("versions/", {"project": "x"}),
        ("versions/", {"project": "99999999999999999999"}),
        ("versions/", {"number": "2147483648"}),
        ("runs/", {"state": "asleep"}),
        ("runs/", {"created_after": "yesterday"}),
        ("runs/", {"created_before": "0001-01-01T00:00:00+14:00"}),
        ("runs/", {"ordering": "log"}),
        ("audit-entries/", {"search": "\x00"}),
        ("projects/", {"search": "\x00"}),
        ("projects/", {"uid": "\x00"}),
    ],
)
def test_an_invalid_parameter_is_refused_by_name(admin, route, query):
    answer = admin.get(route, query)
    assert answer.status_code == 400
    assert code(answer) in ("input_invalid", "filter_needed")


@pytest.mark.parametrize(
    ("route", "query", "within"),
    [
        ("metrics/", {"name": "f1"}, "version"),
        ("outcomes/", {"ordering": "score"}, "version"),
        ("outcomes/", {"correct": "false"}, "task"),
        ("events/", {"search": "x"}, "project"),
        ("events/", {"status": "failed", "action": "X"}, "run"),
        ("audit-entries/", {"search": "ada"}, "project"),
        ("versions/", {"ordering": "artifact_bytes"}, "project"),
        ("runs/", {"has_version": "false"}, "project"),
        ("tasks/", {"split": "holdout"}, "project"),
        ("tasks/", {"ordering": "labels_changed_at"}, "project"),
    ],
)
def test_a_long_list_is_searched_within_something(admin, route, query, within):
    answer = admin.get(route, query)
    assert code(answer) == "filter_needed"
    assert f"?{within}=<id>" in answer.json()["error"]["hint"]
    assert admin.get(route, {**query, within: 1}).status_code == 200
    assert admin.get(route, {"page_size": 1, "ordering": "id"}).status_code == 200
