"""Work folders: locked while they are in use, and removed."""

from pathlib import Path

from mlapi.child_process import folder


def test_folders_of_killed_workers_are_removed(tmp_path):
    left = ["convert-1f", "load-check-2e", "run-999"]
    for name in left:
        (folder.home() / name).mkdir(parents=True)
    with folder.work_folder(1000) as in_use, folder.temporary_folder("convert") as converting:
        assert sorted(folder.sweep(young_s=0)) == left
        assert in_use.is_dir()
        assert converting.is_dir()
        assert Path(in_use).stat().st_mode & 0o777 == 0o700
