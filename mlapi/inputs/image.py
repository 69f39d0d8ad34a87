"""What all inputs of images share: the address in a task, and what is prepared of a run.

What reads the database or decodes images is imported where it is used.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from mlapi.domain import TargetSpec
from mlapi.images import addresses
from mlapi.images.features import ExtractorRef, InputSource
from mlapi.inputs.base import Input, Preparation


class ImageInput(Input):
    """The image at the address in a task; `extractor` is that of its features, None for none.

    `reads_files`: a model reads the file itself, so that a run needs those of all images.
    """

    extractor: ExtractorRef | None = None
    reads_files: ClassVar[bool] = False

    medium = "image"
    display_kind = "image"
    in_data = False
    batch_size = 16  # each may have to be downloaded and embedded first

    def read(self, task_data: dict[str, Any], target: TargetSpec) -> str:
        """The address of the image."""
        return addresses.read_address(task_data, target)

    def key(self, value: str) -> str:
        return addresses.canonical(value)

    def thumbnail(
        self, project: Any, task_data: dict[str, Any], target: TargetSpec, *, large: bool = False
    ) -> bytes | None:
        from mlapi.images.thumbnails import thumbnail

        address = self._read(task_data, target)
        return thumbnail(project, address, large=large) if isinstance(address, str) else None

    def source_in(self, folder: Path) -> InputSource:
        from mlapi.images.folder_store import FolderImageStore

        return FolderImageStore.read(folder)

    @classmethod
    def preparation(
        cls,
        project: Any,
        folder: Path,
        inputs: Sequence[Input],
        targets: Sequence[TargetSpec],
        rows: Iterable[dict[str, Any]],
        may_leave: bool = False,
    ) -> Preparation | None:
        from mlapi.images.preparation import ImagePreparation

        own = [one for one in inputs if isinstance(one, ImageInput)]
        extractors = list(dict.fromkeys(one.extractor for one in own if one.extractor))
        all_files = any(one.reads_files for one in own)
        return ImagePreparation.of(project, folder, extractors, targets, rows, all_files=all_files)
