"""Large arrays of versions: one copy for all processes, and never other bytes than verified."""

import os

import numpy as np
import pytest

from mlapi.pipelines import artifact, shared_arrays

LARGE = shared_arrays.LEAST // 8


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of shared arrays."""
    monkeypatch.setattr(shared_arrays._Shared, "folder", None)
    monkeypatch.setattr(shared_arrays._Shared, "most", 0)
    shared_arrays.share(tmp_path / "arrays", 64 * 2**20)
    return tmp_path / "arrays"


def read(content: bytes) -> np.ndarray:
    return artifact.unpack(content).array("weights", None, None)


def packed(rows: int = LARGE // 4, seed: int = 0) -> bytes:
    weights = np.random.default_rng(seed).random((rows, 4))
    return artifact.pack("text_classification", {"weights": weights})


def private_kb(path: str) -> int:
    """The pages of the mapped file that this process has for itself alone, in KB."""
    total, inside = 0, False
    with open("/proc/self/smaps") as smaps:
        for line in smaps:
            if "-" in line.split(" ", 1)[0]:
                inside = path in line
            elif inside and line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1])
    return total


def test_two_processes_hold_one_array(folder):
    content = packed()
    array = read(content)
    assert array.sum() > 0  # all pages are there
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    reader, writer = os.pipe()
    if os.fork() == 0:
        mine = read(content)
        alike = bool((mine == array).all())
        os.write(writer, f"{alike} {private_kb(file.name)}".encode())
        os._exit(0)
    alike, private = os.read(reader, 100).decode().split()
    os.wait()
    assert alike == "True"
    assert int(private) < array.nbytes // 1024 // 10
    assert list(folder.iterdir()) == [file]


def test_writes_to_a_shared_array_stay_in_their_process(folder):
    content = packed()
    array, other = read(content), read(content)
    before = array[0, 0]
    array[0, 0] = -1
    assert other[0, 0] == before
    assert read(content)[0, 0] == before


def test_a_file_of_other_bytes_is_not_used(folder):
    content = packed()
    expected = read(content).copy()
    (file,) = folder.iterdir()
    file.write_bytes(bytes(file.stat().st_size))
    assert (read(content) == expected).all()
    file.write_bytes(b"short")
    assert (read(content) == expected).all()
    file.unlink()
    file.symlink_to("/dev/zero")
    assert (read(content) == expected).all()


def test_columns_stay_columns_and_small_arrays_are_not_shared(folder):
    columns = np.asfortranarray(np.arange(LARGE * 2, dtype=float).reshape(2, LARGE))
    content = artifact.pack("text_classification", {"weights": columns})
    array = read(content)
    assert array.flags.f_contiguous
    assert (array == columns).all()
    before = len(list(folder.iterdir()))
    small = artifact.pack("text_classification", {"weights": np.ones((4, 4))})
    assert read(small).flags.owndata
    assert len(list(folder.iterdir())) == before


def test_the_oldest_go_where_there_are_too_many(folder, monkeypatch):
    monkeypatch.setattr(shared_arrays._Shared, "most", 3 * shared_arrays.LEAST)
    arrays = [read(packed(seed=seed)) for seed in range(5)]
    assert len(list(folder.iterdir())) == 3
    assert all(0 < array.mean() < 1 for array in arrays)  # those that are mapped stay


def test_without_a_place_or_with_a_full_disk_arrays_are_copies(folder, monkeypatch):
    content = packed()
    monkeypatch.setattr(shared_arrays, "_mapped", lambda *_: (_ for _ in ()).throw(OSError("full")))
    assert read(content).flags.owndata
    monkeypatch.setattr(shared_arrays._Shared, "folder", None)
    assert read(content).flags.owndata
