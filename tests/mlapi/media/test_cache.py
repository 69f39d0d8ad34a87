"""The cache: within its limit, safe between processes, and never empty-handed."""

import hashlib
import os
import subprocess
import sys
import time

import pytest

from mlapi.media.cache import LEFTOVER_S, UNTOUCHED_S, CacheEntry, MediaCache
from tests.evals_backend.running import ROOT

KB = 1024


@pytest.fixture
def root(tmp_path):
    return tmp_path / "media"


@pytest.fixture
def cache(root) -> MediaCache:
    return MediaCache(root, 1000 * KB)


def put(cache: MediaCache, content: bytes):
    sha256 = hashlib.sha256(content).hexdigest()
    with cache.open_temp() as part:
        part.write(content)
        return cache.put(part, sha256, len(content))


def unused_for(path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def content_of(root) -> int:
    return sum(path.stat().st_size for path in (root / "content").glob("*/*"))


def some(i: int) -> bytes:
    return bytes([i]) * 40 * KB


def test_the_longest_unused_goes_first_until_an_eighth_is_free(cache, root):
    paths = [put(cache, some(i)) for i in range(27)]
    for i, path in enumerate(paths):
        unused_for(path, 1000 - i)
    cache.get(paths[0].name)  # just used
    newest = put(cache, some(99))
    cache.evict()
    assert paths[0].exists() and newest.exists()
    left = [path.exists() for path in paths[1:]]
    assert left == sorted(left)  # gone, gone, ..., cached, cached
    assert 0 < sum(left) < len(left)
    assert content_of(root) <= 875 * KB


def test_a_file_returned_within_a_minute_stays_however_full_the_cache_is(root):
    cache = MediaCache(root, 10 * KB)
    paths = [put(cache, some(i)) for i in range(5)]
    unused_for(paths[0], UNTOUCHED_S + 10)
    unused_for(paths[1], UNTOUCHED_S + 10)
    assert cache.get(paths[1].name) == paths[1]
    cache.evict()
    assert [path.exists() for path in paths] == [False, True, True, True, True]


def test_it_looks_at_the_whole_now_and_then_by_itself(root):
    cache = MediaCache(root, 1000 * KB)
    for i in range(100):
        unused_for(put(cache, some(i)), 1000)
    assert content_of(root) <= 1000 * KB + 1000 * KB // 32 + 40 * KB


def test_entries_of_evicted_content_are_removed(cache, root):
    for i in range(30):
        path = put(cache, some(i))
        cache.put_entry("7", f"address {i}", CacheEntry(path.name, 1, time.time()))
        (entry,) = [
            e for e in (root / "index" / "7").iterdir() if e.stat().st_mtime > time.time() - 50
        ]
        unused_for(path, 1000 - i)
        unused_for(entry, 1000 - i)
    cache.evict()
    cached = {path.name for path in (root / "content").glob("*/*")}
    known = [cache.get_entry("7", f"address {i}") for i in range(30)]
    assert {entry.sha256 for entry in known if entry} == cached
    assert 0 < len(cached) < 30


def test_an_address_is_known_in_its_space_only(cache):
    cache.put_entry("7", "http://a.example/x", CacheEntry("0" * 64, 1, 2.0, "etag", "date"))
    assert cache.get_entry("7", "http://a.example/x") == CacheEntry(
        "0" * 64, 1, 2.0, "etag", "date"
    )
    assert cache.get_entry("8", "http://a.example/x") is None
    assert cache.get_entry("7", "http://a.example/y") is None


def test_a_temporary_file_that_is_not_put_is_deleted_and_a_leftover_later(cache, root):
    with pytest.raises(ZeroDivisionError), cache.open_temp() as part:
        part.write(b"half")
        raise ZeroDivisionError
    assert list((root / "part").iterdir()) == []
    crashed, writing = root / "part" / "crashed", root / "part" / "writing"
    for path in (crashed, writing):
        path.write_bytes(b"half")
    unused_for(crashed, LEFTOVER_S + 10)
    cache.evict()
    assert not crashed.exists() and writing.exists()


def test_content_that_does_not_match_its_hash_is_not_handed_out(cache):
    path = put(cache, b"whole")
    assert cache.get(path.name) == path
    path.write_bytes(b"w")
    assert cache.get(path.name) is None
    assert put(cache, b"whole") == path
    assert cache.get(path.name) == path


WORKER = """
import hashlib, random, sys, time
from pathlib import Path
from mlapi.media import cache as module
from mlapi.media.cache import MediaCache
module.UNTOUCHED_S = 1
rnd, cache = random.Random(int(sys.argv[2])), MediaCache(Path(sys.argv[1]), 3000 * 1024)
kept = taken = 0
until = time.monotonic() + 3
while time.monotonic() < until or kept < 120 or taken < 10:  # however busy the machine
    began = time.monotonic()
    content = rnd.randrange(2000).to_bytes(2, "big") * 10 * 1024
    sha256 = hashlib.sha256(content).hexdigest()
    path = cache.get(sha256)
    if path is None:
        kept += 1
        with cache.open_temp() as part:
            part.write(content)
            path = cache.put(part, sha256, len(content))
    else:
        taken += 1
    try:
        assert path.read_bytes() == content  # whole, and still there
    except FileNotFoundError:
        assert time.monotonic() - began > module.UNTOUCHED_S  # this process was held up
print(kept, taken)
"""


def test_several_processes_share_it_and_none_gets_an_evicted_file(cache, root):
    """Each evicts while the others put and take; a second counts as lately here."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(root), str(seed)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(3)
    ]
    put_there = found = 0
    for process in started:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        put_there += int(out.split()[0])
        found += int(out.split()[1])
    left = len(list((root / "content").glob("*/*")))
    assert found >= 30
    assert put_there - left > 100  # so many were evicted meanwhile
    assert list((root / "part").iterdir()) == []
