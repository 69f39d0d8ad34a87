"""A program that swaps a file of the artifact store for another in a loop.

`python -m tests.faults.swapping <file> <another>`: until it is ended.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def swapped(path: Path, another: bytes, folder: Path) -> Iterator[None]:
    """While the file is now itself and now the other content, by rename and by writing in place."""
    (folder / "another").write_bytes(another)
    command = [sys.executable, "-m", "tests.faults.swapping", str(path), str(folder / "another")]
    content = path.read_bytes()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as swapper:
        assert swapper.stdout is not None
        swapper.stdout.readline()
        try:
            yield
        finally:
            swapper.kill()
    path.unlink()
    path.write_bytes(content)


def main(path: Path, another: Path) -> None:
    own = path.with_name("own")
    shutil.copy(path, own)
    print("swapping", flush=True)
    while True:
        for source in (another, own):
            draft = path.with_name("draft")
            shutil.copy(source, draft)
            os.replace(draft, path)
        for source in (another, own):
            path.write_bytes(source.read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
