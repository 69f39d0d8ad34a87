"""A project's reader: what comes from the cache, many files at once, and stopping at once."""

import base64
import os
import re
import threading
import time
from urllib.parse import quote

import pytest

from mlapi.domain import InputError
from mlapi.images.addresses import canonical
from mlapi.media.reader import FRESH_S, Fetched
from registry.models import Project
from tests.e2e.waiting import wait_for
from tests.mlapi.media.files import PNG
from tests.mlapi.media.server import FileServer, send
from tests.waiting import PATIENCE_S


@pytest.fixture
def later(monkeypatch):
    """`later(seconds)`: moves the wall clock forward."""
    real, ahead = time.time, [0.0]
    monkeypatch.setattr("mlapi.media.reader.time", lambda: real() + ahead[0])
    return lambda seconds: ahead.__setitem__(0, ahead[0] + seconds)


def test_the_second_time_nothing_is_read(server, reading):
    server.files["/a.png"] = PNG
    first = reading().fetch(server.url("/a.png"))
    reader = reading()
    assert reader.fetch(server.url("/a.png")) == first
    assert reader.fetch(server.url("/a.png#another-spelling")) == first
    assert (reader.read, reader.cached, len(server.requests)) == (0, 2, 1)


def test_another_project_downloads_itself_and_shares_the_content(server, reading):
    server.files["/a.png"] = PNG
    fetched = reading().fetch(server.url("/a.png"))
    server.files["/a.png"] = lambda h: send(h, 403)
    stranger = Project(pk=8, uid="4.1795420847")
    with pytest.raises(InputError):
        reading(of=stranger).fetch(server.url("/a.png"))
    server.files["/a.png"] = PNG
    other_reader = reading(of=stranger)
    assert other_reader.fetch(server.url("/a.png")) == fetched
    assert other_reader.read == 1


def test_a_host_that_is_no_longer_allowed_is_not_served_from_the_cache(server, reading):
    server.files["/a.png"] = PNG
    reading().fetch(server.url("/a.png"))
    with pytest.raises(InputError) as raised:
        reading("elsewhere.example").fetch(server.url("/a.png"))
    assert raised.value.code == "media_address_refused"


@pytest.mark.parametrize("damage", ["cut", "flip", "grow", "gone"])
def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(server, reading, damage):
    server.files["/a.png"] = PNG
    path = reading().fetch(server.url("/a.png")).path
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": PNG[:-1], "flip": b"x" + PNG[1:], "grow": PNG + b"x"}[damage])
    reader = reading()
    assert reader.fetch(server.url("/a.png")).path.read_bytes() == PNG
    assert (reader.read, reader.cached) == (1, 0)


@pytest.mark.parametrize("left", [b"", b"{", b"[]", b'{"sha256": 7}', b'{"a": 1}', b"\xff\xfe"])
def test_a_damaged_index_is_as_none(server, reading, settings, left):
    server.files["/a.png"] = PNG
    reading().fetch(server.url("/a.png"))
    (entry,) = (settings.DATA_DIR / "cache" / "media" / "index" / "7").iterdir()
    entry.write_bytes(left)
    reader = reading()
    assert reader.fetch(server.url("/a.png")).path.read_bytes() == PNG
    assert reader.read == 1


@pytest.mark.parametrize("name", ["ETag", "Last-Modified"])
def test_after_an_hour_a_conditional_request_is_sent(server, reading, later, name):
    value, condition = {
        "ETag": ('"one"', "if-none-match"),
        "Last-Modified": ("Wed, 21 Oct 2015 07:28:00 GMT", "if-modified-since"),
    }[name]

    def unchanged_or_whole(handler):
        same = handler.headers.get(condition) == value
        send(handler, 304 if same else 200, b"" if same else PNG, **{name: value})

    server.files["/a.png"] = unchanged_or_whole
    reader = reading()
    first = reader.fetch(server.url("/a.png"))
    later(FRESH_S - 60)
    assert reader.fetch(server.url("/a.png")) == first
    assert len(server.requests) == 1
    later(120)
    assert reader.fetch(server.url("/a.png")) == first
    assert server.requests[1].headers[condition] == value
    assert (reader.read, reader.cached) == (1, 2)
    later(FRESH_S - 60)  # what was confirmed is believed for another hour
    reader.fetch(server.url("/a.png"))
    assert len(server.requests) == 2


def test_after_an_hour_what_changed_is_read_again(server, reading, later):
    server.files["/a.png"] = lambda h: send(h, 200, PNG, ETag='"one"')
    reader = reading()
    reader.fetch(server.url("/a.png"))
    server.files["/a.png"] = lambda h: send(h, 200, PNG + b"2", ETag='"two"')
    later(FRESH_S + 1)
    assert reader.fetch(server.url("/a.png")).path.read_bytes() == PNG + b"2"
    server.files["/a.png"] = PNG + b"3"  # a server that knows of neither
    later(FRESH_S + 1)
    assert reader.fetch(server.url("/a.png")).path.read_bytes() == PNG + b"3"
    later(FRESH_S + 1)
    reader.fetch(server.url("/a.png"))
    assert reader.read == 4


def test_a_clock_that_went_back_makes_nothing_fresh_forever(server, reading, later):
    server.files["/a.png"] = PNG
    reader = reading()
    reader.fetch(server.url("/a.png"))
    later(-10 * FRESH_S)
    reader.fetch(server.url("/a.png"))
    assert reader.read == 2


# Many


def test_each_distinct_address_is_fetched_once_and_a_failure_stops_no_other(server, reading):
    good = [server.url(f"/{i}.png") for i in range(20)]
    server.files |= {f"/{i}.png": PNG + bytes([i]) for i in range(20)}
    bad = [server.url("/none.png"), "file:///etc/passwd", "http://other.example/a.png"]
    reader = reading()
    results = dict(reader.fetch_each([*good, *bad, *good]))
    assert sorted(results) == sorted([*good, *bad])
    for i, address in enumerate(good):
        assert results[address].path.read_bytes() == PNG + bytes([i])
    codes = [results[address].code for address in bad]
    assert codes == ["media_not_found", "media_address_refused", "media_address_refused"]
    assert (reader.read, reader.cached) == (20, 0)
    again = dict(reader.fetch_each(iter(good)))
    assert all(isinstance(fetched, Fetched) for fetched in again.values())
    assert (reader.read, reader.cached, len(server.requests)) == (20, 20, 21)


def test_no_addresses_are_no_files(reading):
    assert dict(reading().fetch_each([])) == {}


def test_several_files_are_under_way_at_once(server, reading, settings):
    settings.MEDIA_TIMEOUT_S = 2 * PATIENCE_S
    together = threading.Barrier(4, timeout=PATIENCE_S)

    def wait_for_the_others(handler):
        together.wait()
        send(handler, 200, PNG)

    server.files |= {f"/{i}.png": wait_for_the_others for i in range(4)}
    results = dict(reading().fetch_each([server.url(f"/{i}.png") for i in range(4)]))
    assert all(isinstance(fetched, Fetched) for fetched in results.values())


def test_an_exception_of_the_check_ends_all_at_once(server, reading, settings):
    """The server never answers, and a fetch would have ten minutes to wait for it."""
    settings.MEDIA_TIMEOUT_S = 600
    hung, checked_in = threading.Event(), []
    requested = threading.Event()

    def hang(handler):
        requested.set()
        hung.wait(600)

    class Cancelled(Exception):
        pass

    def check():
        checked_in.append(threading.current_thread())
        if requested.is_set():
            raise Cancelled

    server.files |= {f"/{i}.png": hang for i in range(50)}
    reader = reading()
    try:
        with pytest.raises(Cancelled):
            dict(reader.fetch_each([server.url(f"/{i}.png") for i in range(50)], check))
        assert set(checked_in) == {threading.current_thread()}
        wait_for(
            lambda: not [t for t in threading.enumerate() if t.name.startswith("media")],
            "the threads that were cut off",
        )
        assert len(server.requests) <= 8
    finally:
        hung.set()
    assert (reader.read, reader.cached) == (0, 0)


def test_a_defect_of_ours_is_not_taken_for_a_tasks_problem(server, reading):
    def broken(host, port, timeout_s):
        raise ZeroDivisionError

    reader = reading("files.example.com", resolve=broken)
    with pytest.raises(ZeroDivisionError):
        dict(reader.fetch_each(["http://files.example.com/a.png"]))


def test_a_cache_that_cannot_be_written_is_a_reason_and_logged(server, reading, settings):
    server.files["/a.png"] = PNG
    reader = reading()
    parts = settings.DATA_DIR / "cache" / "media" / "part"
    parts.rmdir()
    parts.write_bytes(b"")  # no folder any more
    with pytest.raises(InputError) as raised:
        reader.fetch(server.url("/a.png"))
    assert raised.value.code == "media_cache_failed"


# Images in the task itself


def test_an_image_in_the_task_is_cached_like_any_other(reading):
    address = "data:image/png;base64," + base64.b64encode(PNG).decode()
    reader = reading()
    fetched = reader.fetch(address)
    assert (fetched.path.read_bytes(), fetched.size) == (PNG, len(PNG))
    assert reader.fetch(f" {address.replace('data:image', 'DATA:Image')}\n") == fetched
    assert (reader.read, reader.cached) == (0, 0)


IMAGE = PNG + bytes(range(255, 0, -1))
BASE64 = base64.b64encode(IMAGE).decode()
# Each is shown by browsers, and so by Label Studio.
INLINE_IMAGES = {
    "with a charset": f"data:image/png;charset=utf-8;base64,{BASE64}",
    "with line breaks": "data:image/png;base64," + "\r\n".join(re.findall(".{1,76}", BASE64)),
    "percent-encoded": f"data:image/png;base64,{quote(BASE64, safe='')}",
    "with a leading blank": f"\n data:image/png;base64,{BASE64}",
    "without a type": f"data:;base64,{BASE64}",
    "without a type or parameters": f"data:;BASE64 ,{BASE64}",
    "of another type": f"data:application/octet-stream;base64,{BASE64}",
    "of a type that is none": f"data:image;base64,{BASE64}",
    "without padding": f"data:image/png;base64,{BASE64.rstrip('=')}",
    "with a fragment": f"data:image/png;base64,{BASE64}#page=1",
    "not in base64": f"data:image/png,{quote(IMAGE)}",
}


@pytest.mark.parametrize("address", INLINE_IMAGES.values(), ids=INLINE_IMAGES)
def test_an_image_in_the_task_is_read_however_its_address_is_written(reading, address):
    assert reading().fetch(address).path.read_bytes() == IMAGE


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("data:image/png;base64", "media_unsupported"),
        ("data:image/png;base64,A", "media_unsupported"),
        ("data:image/png;base64,AA=A", "media_unsupported"),
        ("data:image/png;base64,AA-_", "media_unsupported"),
        ("data:image/png;base64,ÄÄÄÄ", "media_unsupported"),
        ("data:image/png;base64,AAA\ud83d", "media_unsupported"),
        ("data:image/png;base64,", "media_empty"),
        ("data:,", "media_empty"),
        ("data:image/png;base64," + "A" * 6_000_000, "media_too_large"),
        ("data:image/png;base64," + "%41" * 6_000_000, "media_too_large"),
        ("data:," + "A" * 5_000_000, "media_too_large"),
    ],
)
def test_other_data_addresses_have_a_reason(reading, address, code):
    with pytest.raises(InputError) as raised:
        reading().fetch(address)
    assert raised.value.code == code
    assert raised.value.message.isascii()


def test_the_spellings_of_an_inline_image_are_one_input(reading):
    plain = f"data:image/png;base64,{BASE64}"
    spelled = INLINE_IMAGES["with line breaks"], INLINE_IMAGES["percent-encoded"], plain
    assert {canonical(address) for address in spelled} == {plain}


# What lies on the disk


def test_the_cache_is_its_owners_only_and_holds_no_address(server, reading, settings):
    server.files["/a.png"] = PNG
    reading().fetch(server.url("/a.png?signature=secret"))
    root = settings.DATA_DIR / "cache" / "media"
    for path in [root, *root.rglob("*")]:
        if path.name != "lock":
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
        assert "secret" not in path.name
        assert path.is_dir() or b"secret" not in path.read_bytes()
    assert list((root / "part").iterdir()) == []


def test_a_file_may_be_linked_elsewhere(server, reading, tmp_path):
    server.files["/a.png"] = PNG
    fetched = reading().fetch(server.url("/a.png"))
    os.link(fetched.path, tmp_path / "ours.png")
    assert (tmp_path / "ours.png").read_bytes() == PNG


def test_two_readers_of_two_servers_do_not_meet(reading):
    with FileServer() as one, FileServer() as other:
        one.files["/a.png"], other.files["/a.png"] = PNG + b"1", PNG + b"2"
        reader = reading(one.host, other.host)
        results = dict(reader.fetch_each([one.url("/a.png"), other.url("/a.png")]))
        assert [f.path.read_bytes() for f in results.values()] in (
            [PNG + b"1", PNG + b"2"],
            [PNG + b"2", PNG + b"1"],
        )
        assert results[one.url("/a.png")].path.read_bytes() == PNG + b"1"
