"""A real program that keeps the folder protocol of a training, and misbehaves on request.

`python small_child.py <what> <folder> [<artifact>]`; standard library only.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

TARGET_FIELDS = ("name", "object_name", "object_tag", "field", "kind", "labels", "pipeline")


def report(folder: Path, **line) -> None:
    with open(folder / "progress.jsonl", "a") as file:
        file.write(json.dumps(line) + "\n")


def learn(folder: Path) -> None:
    """Trains a majority vote."""
    job = json.loads((folder / "job.json").read_text())
    rows = [json.loads(line) for line in (folder / "dataset.jsonl").read_text().splitlines()]
    name = job["targets"][0]["name"]
    report(folder, phase="fitting", progress=0.5, log="fitting a majority vote")
    report(folder, statement={"sql": "SELECT 1", "seconds": 0.01, "rows": len(rows)})
    votes = Counter(row["labels"][name] for row in rows if row["split"] == "train")
    majority = votes.most_common(1)[0][0]
    holdout = [row for row in rows if row["split"] == "holdout"]
    right = [row["labels"][name] == majority for row in holdout]
    # The run's id makes each artifact another, as real models' are.
    artifact = json.dumps([job["run"], majority]).encode()
    (folder / "artifact.bin").write_bytes(artifact)
    accuracy = sum(right) / len(right) if right else None
    compared = None
    if job["champion"]:
        compared = {
            "metric": "macro_f1",
            "candidate": accuracy,
            "champion": accuracy,
            "difference": 0.0,
            "interval": [-0.1, 0.1],
            "n": len(holdout),
            "excluded": 0,
            "champion_serves": True,
        }
    result = {
        "recipe": "majority",
        "candidates": [
            {
                "target": name,
                "name": "majority",
                "score": 0.5,
                "metric": "macro_f1",
                "seconds": 0.1,
                "n": 9,
                "note": "",
                "won": True,
            }
        ],
        "targets": [{field: job["targets"][0][field] for field in TARGET_FIELDS}],
        "metrics": [
            {"target": "", "name": "primary", "split": "holdout", "value": accuracy, "n": 9}
        ],
        "outcomes": [
            {
                "task": row["id"],
                "target": name,
                "predicted": majority,
                "score": 0.5,
                "human": row["labels"][name],
                "correct": row["labels"][name] == majority,
                "human_classes": [row["labels"][name]],
                "predicted_classes": [majority],
            }
            for row in holdout
        ],
        "comparison": compared,
        "environment": {"variables": " ".join(sorted(os.environ))},
        "primary_metric": "macro_f1",
        "artifact_sha256": hashlib.sha256(artifact).hexdigest(),
    }
    (folder / "result.json").write_text(json.dumps(result))


def curve(folder: Path) -> None:
    metric = {"name": "learning_curve", "target": "label", "step": 10, "value": 0.5, "n": 9}
    (folder / "curve.json").write_text(json.dumps({"metrics": [metric]}))


def refuse(folder: Path) -> None:
    error = {"code": "one_class", "message": "Only one class.", "hint": "Label another."}
    (folder / "error.json").write_text(json.dumps(error))
    sys.exit(1)


def repeat(folder: Path) -> None:
    """Writes the same artifact for the same labels, as real models do."""
    learn(folder)
    artifact = json.dumps(json.loads((folder / "artifact.bin").read_text())[1:]).encode()
    (folder / "artifact.bin").write_bytes(artifact)
    path = folder / "result.json"
    result = json.loads(path.read_text())
    path.write_text(json.dumps(result | {"artifact_sha256": hashlib.sha256(artifact).hexdigest()}))


def equal_champion(folder: Path) -> None:
    """AutoML wins with the champion's score."""
    _win_by_automl(folder, 0.0)


def beat_champion(folder: Path) -> None:
    """AutoML wins with a better score than the champion's."""
    _win_by_automl(folder, 0.1)


def beat_champion_on_signal(folder: Path) -> None:
    """Runs `beat_champion` once the file `go-on` is there."""
    draft = folder.parent / "pids.draft"
    draft.write_text(json.dumps([os.getpid()]))
    draft.rename(folder.parent / "pids.json")
    while not (folder.parent / "go-on").exists():
        time.sleep(0.05)
    (folder.parent / "go-on").unlink()
    beat_champion(folder)


def _win_by_automl(folder: Path, by: float) -> None:
    learn(folder)
    path = folder / "result.json"
    result = json.loads(path.read_text())
    result["candidates"][0]["name"] = "EvaDB AutoML, XGBoost"
    result["comparison"] |= {"candidate": 0.5 + by, "champion": 0.5, "difference": by}
    path.write_text(json.dumps(result))


def rename_result_field(folder: Path) -> None:
    """A result with a field of another release, which the parent must refuse."""
    learn(folder)
    path = folder / "result.json"
    path.write_text(path.read_text().replace('"primary_metric"', '"main_metric"'))


def break_off(folder: Path) -> None:
    print("something went wrong here")
    sys.exit(3)


def kill_itself(folder: Path, *_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang(folder: Path) -> None:
    """Ignores SIGTERM, as does the child process that it starts."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    grandchild = subprocess.Popen(["sleep", "600"])
    draft = folder.parent / "pids.draft"
    draft.write_text(json.dumps([os.getpid(), grandchild.pid]))
    draft.rename(folder.parent / "pids.json")  # whole: it may be killed as soon as that exists
    report(folder, phase="hanging", progress=0.1)
    time.sleep(600)


def exhaust_memory(folder: Path) -> None:
    """Allocates in a child process of its own: the limit is on the whole tree."""
    code = "import time\nfood = bytearray(b'x') * (400 * 2**20)\ntime.sleep(600)"
    subprocess.run([sys.executable, "-c", code])


def verify(folder: Path, artifact: str, sha256: str) -> None:
    content = Path(artifact).read_bytes()
    assert hashlib.sha256(content).hexdigest() == sha256
    json.loads(content)


def check_artifact(folder: Path, artifact: str, sha256: str) -> None:
    """Accepts any artifact that does not begin with `broken`."""
    content = Path(artifact).read_bytes()
    assert hashlib.sha256(content).hexdigest() == sha256
    if content.startswith(b"broken"):
        refuse_artifact(folder, artifact, sha256)


def refuse_artifact(folder: Path, artifact: str, sha256: str) -> None:
    error = {"code": "load_failed", "message": "it does not load"}
    (folder / "error.json").write_text(json.dumps(error))
    sys.exit(1)


def main(arguments: list[str]) -> int:
    behaviour, folder, *others = arguments
    globals()[behaviour](Path(folder), *others)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
