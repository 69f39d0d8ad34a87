"""The child process of a conversion: `python -m mlapi.conversion.child <folder>`.

The folder's `job.json` names the artifact, its SHA-256 and its pipeline; it leaves
`artifact.bin` of today's format, which its pipeline has read, and `result.json` with its
SHA-256; or `error.json`.
"""

import argparse
import sys
from pathlib import Path

from mlapi import pipelines
from mlapi.child_process.error_file import carry_out
from mlapi.child_process.processes import begin
from mlapi.conversion import format_1
from mlapi.pipelines import artifact
from mlapi.run_folder.job import ConversionJob
from mlapi.run_folder.result import ConversionResult, write_result
from registry.verified import read_verified


def convert(folder: Path) -> None:
    """Raises whatever is wrong with the artifact."""
    job = ConversionJob.read(folder)
    content = read_verified(job.artifact.path, job.artifact.sha256)
    parts = format_1.parts_of(content, job.pipeline)
    sha256 = artifact.write(folder / "artifact.bin", job.pipeline, parts)
    pipelines.get(job.pipeline).load(read_verified(folder / "artifact.bin", sha256))
    write_result(folder, ConversionResult(sha256))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder.resolve()
    begin()
    return carry_out(lambda: convert(folder), folder, "conversion_failed")


if __name__ == "__main__":
    sys.exit(main())
