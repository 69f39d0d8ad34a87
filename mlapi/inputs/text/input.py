"""The text of a task as an input, which a model may read by a sentence encoder."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlapi.domain import InputError, TargetSpec, TrainingFailed
from mlapi.images.features import InputSource
from mlapi.inputs.base import Input, Preparation
from mlapi.inputs.text.objects import MAX_CHARACTERS, editor_text
from mlapi.labelstudio.references import referred
from mlapi.texts.refs import EncoderRef, is_encoder

DEFAULT = "minilm"
NONE = "none"
_WORD = re.compile(r"\w+")
# A letter of no word that people write, so that a word of the right-hand text is another word.
_RIGHT = "\u01c1"


@dataclass(frozen=True)
class TextInput(Input):
    """The texts of the objects that a control is on, one after the other.

    `encoder` makes vectors of them; None for a model that reads none, or where it is not chosen.
    """

    encoder: EncoderRef | None = None

    medium = "text"
    setting_names = ("encoder", "encoder_name")

    def read(self, task_data: dict[str, Any], target: TargetSpec) -> str:
        return read_input(task_data, target)

    def key(self, value: str) -> str:
        return canonical(value)

    def display_text(self, task_data: dict[str, Any], target: TargetSpec) -> str:
        return read_text(task_data, target)

    def texts_of(self, task_data: Any, targets: Sequence[TargetSpec]) -> list[str]:
        """The distinct texts of the targets in a task's data, without those that cannot be read."""
        found = (self._read(task_data, target) for target in targets)
        return list(dict.fromkeys(text for text in found if isinstance(text, str)))

    def read_all(
        self,
        rows: Sequence[dict[str, Any]],
        target: TargetSpec,
        source: InputSource | None = None,
    ) -> list[Any]:
        """The texts; of those that a model encodes the stored vectors are looked up, at once."""
        found = super().read_all(rows, target, source)
        if self.encoder is not None and source is not None:
            source.cache_texts(self.encoder, [text for text in found if isinstance(text, str)])
        return found

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
        from mlapi.texts.preparation import TextPreparation
        from mlapi.texts.store import TextVectorStore

        found = [one.encoder for one in inputs if isinstance(one, cls) and one.encoder]
        if not found:
            return None

        def texts_of(data: Any) -> list[str]:
            return cls().texts_of(data, targets)

        stores = [TextVectorStore(project, one, texts_of) for one in dict.fromkeys(found)]
        return TextPreparation(folder, stores, texts_of, may_leave)

    @property
    def settings(self) -> dict[str, str]:
        return asdict(self.encoder) if self.encoder else {}

    def with_settings(self, settings: Mapping[str, str]) -> "TextInput":
        own = {name: settings[name] for name in self.setting_names if name in settings}
        return TextInput(EncoderRef(**own)) if own else self

    def for_options(self, options: Mapping[str, Any]) -> "TextInput":
        """By the option `encoder`. Raises TrainingFailed where one that was set is unavailable.

        Texts are learned without an encoder where the default one is unavailable, and by a
        pipeline that has no such option.
        """
        from mlapi.texts.encoders.loading import reference

        if options.get("encoder", NONE) == NONE:
            return TextInput()
        try:
            return TextInput(reference(options["encoder"], options["encoder_tokens"]))
        except TrainingFailed:
            if options["encoder"] != DEFAULT:
                raise
            return TextInput()

    def of_version(self, extractor_name: str, options: Mapping[str, Any]) -> "TextInput":
        names = [name for name in extractor_name.split(", ") if is_encoder(name)]
        return TextInput(EncoderRef(options.get("encoder", DEFAULT), names[0])) if names else self

    @property
    def extractor_name(self) -> str:
        return self.encoder.encoder_name if self.encoder else ""


def read_text(task_data: Any, target: TargetSpec) -> str:
    """The text of a target in a task's data, clean, at most MAX_CHARACTERS long.

    Of several objects those that have a text, one after the other. Raises InputError with one of
    the codes of `editor_text`, or empty.
    """
    texts = _texts(task_data, target)
    return texts[0] if len(texts) == 1 else "\n".join(text for text in texts if text)


def read_input(task_data: Any, target: TargetSpec) -> str:
    """The text as a model reads it. Raises InputError as `read_text` does.

    For Pairwise it tells the two sides apart: words of the right-hand text are marked.
    """
    if target.control_tag != "Pairwise":
        return read_text(task_data, target)
    left, *right = _texts(task_data, target)
    return "\n".join([left, *(_WORD.sub(f"{_RIGHT}\\g<0>", text) for text in right)])


def canonical(text: str) -> str:
    """The text without what makes no other text: case, width and composition, white space."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Again, because folding can take a text out of its normal form (Unicode 3.13).
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _texts(task_data: Any, target: TargetSpec) -> list[str]:
    """The text of each object, "" where it has none. Raises InputError if none has one."""
    most = MAX_CHARACTERS // len(target.sources)
    texts: list[str] = []
    problems: list[InputError] = []
    for source in target.sources:
        try:
            texts.append(editor_text(source, task_data).strip()[:most].rstrip())
        except InputError as problem:
            texts.append("")
            problems.append(problem)
    if any(texts):
        return texts
    if problems:
        raise problems[0]
    names = ", ".join(repr(name) for s in target.sources for name in referred(s.value))
    raise InputError("empty", f"The field {names} has no text.")
