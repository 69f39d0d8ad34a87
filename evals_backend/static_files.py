"""Stores static files with compressed copies, which are made once for each file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whitenoise.storage import CompressedStaticFilesStorage


class CompressedOnceStorage(CompressedStaticFilesStorage):
    """whitenoise's storage, which compresses at each start, limited to the files that changed."""

    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str, bool]]:
        changed = {name: found for name, found in paths.items() if not self._is_compressed(name)}
        for name in changed if not dry_run else ():
            self._copy_of(name).unlink(missing_ok=True)  # a file that would not shrink has no copy
        yield from super().post_process(changed, dry_run, **options)

    def _copy_of(self, name: str) -> Path:
        original = Path(self.path(name))
        return original.with_name(f"{original.name}.gz")

    def _is_compressed(self, name: str) -> bool:
        """Whether the compressed copy is as new as the file."""
        copy = self._copy_of(name)
        return copy.exists() and copy.stat().st_mtime >= Path(self.path(name)).stat().st_mtime
