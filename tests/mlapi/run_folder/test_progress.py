"""The progress of a child process, as its parent follows it."""

from mlapi.run_folder.progress import ProgressReader


def test_a_half_written_line_waits_for_its_end(tmp_path):
    path = tmp_path / "progress.jsonl"
    progress = ProgressReader(tmp_path)
    assert progress.new() == []
    path.write_bytes(b'{"progress": 0.1}\n{"progr')
    assert progress.new() == [{"progress": 0.1}]
    with open(path, "ab") as file:
        file.write(b'ess": 0.2}\n')
    assert progress.new() == [{"progress": 0.2}]
