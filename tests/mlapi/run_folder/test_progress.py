"""The progress of a child process, as its parent follows it."""

from mlapi.run_folder.progress import ProgressReader, ProgressWriter, is_phase


def test_a_half_written_line_waits_for_its_end(tmp_path):
    path = tmp_path / "progress.jsonl"
    progress = ProgressReader(tmp_path)
    assert progress.new() == []
    path.write_bytes(b'{"progress": 0.1}\n{"progr')
    assert progress.new() == [{"progress": 0.1}]
    with open(path, "ab") as file:
        file.write(b'ess": 0.2}\n')
    assert progress.new() == [{"progress": 0.2}]


def test_a_phase_is_recognized_in_each_part(tmp_path):
    reader, progress = ProgressReader(tmp_path), ProgressWriter(tmp_path)
    progress.phase("saving", 0.1)
    progress.part(0.2, 1.0, "text_classification/1").phase("saving", 0.5)
    progress.phase("not saving", 1.0)
    found = [is_phase(line["phase"], "saving") for line in reader.new()]
    assert found == [True, True, False]
