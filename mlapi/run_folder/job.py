"""A training run as its child process reads it from the run folder."""

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mlapi.domain import ExtractorRef, TargetSpec


@dataclass(frozen=True)
class TrainingJob:
    """A run as its child process sees it: `job.json`, and the folder that it works in."""

    folder: Path
    project: int
    run: int
    number: int
    pipeline: str
    targets: tuple[TargetSpec, ...]
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    time_budget_s: float = 60
    automl: bool = False
    automl_note: str = ""
    champion: dict[str, Any] | None = None
    extractor: ExtractorRef | None = None

    @classmethod
    def read(cls, folder: Path) -> "TrainingJob":
        values = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        targets = tuple(TargetSpec.from_dict(t) for t in values["targets"])
        found = values.get("extractor")
        extractor = ExtractorRef(**found) if found else None
        return cls(**{**known, "folder": folder, "targets": targets, "extractor": extractor})

    @property
    def artifact(self) -> Path:
        return self.folder / "artifact.bin"

    @property
    def prefix(self) -> str:
        """Of the names of this run's EvaDB tables and functions; never used twice."""
        return f"p{self.project}_r{self.run}"

    def rows(self) -> list[dict[str, Any]]:
        """The frozen dataset, ordered by task so that its order decides nothing."""
        with open(self.folder / "dataset.jsonl", encoding="utf-8") as lines:
            return sorted((json.loads(line) for line in lines), key=lambda row: row["id"])
