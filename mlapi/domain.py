"""The value types that the packages of mlapi hand to each other, and their errors.

The ground floor: of this project it imports only plain modules of the registry, and any module
may import it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from registry.error_codes import CODES
from registry.errors import EvalsError
from registry.training_result import TargetRow


def first_line(error: Exception) -> str:
    """The first line of a foreign library's message, which may be long."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


@dataclass(frozen=True)
class Stored:
    """An artifact's file, and the SHA-256 that its content must have when it is read."""

    path: Path
    sha256: str


class UnknownOption(EvalsError):
    """The project's options hold a name that its pipeline does not have."""

    code = "option_unknown"


class InvalidOption(EvalsError):
    """An option of the project has a value that its pipeline cannot use."""

    code = "option_invalid"


class TrainingFailed(EvalsError):
    """A training that cannot make a version, with the cause as its code."""

    status = 409

    def __init__(self, code: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=CODES[code].hint if hint is None else hint)
        self.code = code


class InputError(Exception):
    """A task has no input that a target can be predicted from; it gets no prediction."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


CHOICE_TAGS = ("Choices", "Taxonomy")  # the control tags with choices


@dataclass(frozen=True)
class Condition:
    """When a control is shown: while a label is selected in one of `controls`.

    `controls` are all others that take choices where there is none; `labels` are any where it is
    None. `negated`: while it is not so.
    """

    controls: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None
    negated: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        labels = None if self.labels is None else list(self.labels)
        return {"controls": list(self.controls), "labels": labels, "negated": self.negated}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Condition":
        """From `to_dict`'s."""
        labels = None if values["labels"] is None else tuple(values["labels"])
        return cls(tuple(values["controls"]), labels, values["negated"])


@dataclass(frozen=True, order=True)
class InputSpec:
    """An object tag that a target's input is read from: the attributes that say how.

    `value` has references to the task's data. The two keys are those of Paragraphs: where a turn
    of the dialogue has its text and its author.
    """

    tag: str
    value: str
    encoding: str = ""
    value_type: str = ""
    text_key: str = "text"
    author_key: str = "author"


@dataclass(frozen=True)
class TargetSpec:
    """A control tag that a pipeline can fill, and where its input is.

    `kind` is the name of its label type. `labels` are what a result holds (aliases where there
    are some); none for a control that takes any words. `inputs` are the objects that are its
    input together, or one that is more than a plain field; without them it is that of the tag's
    plain `field`. `conditions` are those under which the control is shown. `pipeline` fills it;
    `purpose` is what it is filled with beside its labels, where an option says so: a version
    trained for another purpose does not serve it. `attributes` are those of the control's tags that
    say how predictions are served: (label or "", name in lower case, value).
    """

    name: str
    object_name: str
    object_tag: str
    field: str
    kind: str
    labels: tuple[str, ...]
    text_key: str = "text"
    author_key: str = "author"
    control_tag: str = "Choices"
    inputs: tuple[InputSpec, ...] = ()
    conditions: tuple[Condition, ...] = ()
    pipeline: str = ""
    purpose: str = ""
    attributes: tuple[tuple[str, str, str], ...] = ()

    def attribute(self, name: str, label: str = "") -> str:
        """An attribute of the control's tag, or of the tag of a label; "" without it."""
        return next((v for of, n, v in self.attributes if (of, n) == (label, name)), "")

    @property
    def has_choices(self) -> bool:
        """Whether conditions of other controls can name a choice of it."""
        return self.control_tag in CHOICE_TAGS

    @cached_property
    def sources(self) -> tuple[InputSpec, ...]:
        """The objects that the input is read from, never none."""
        keys = {"text_key": self.text_key, "author_key": self.author_key}
        return self.inputs or (InputSpec(self.object_tag, f"${self.field}", **keys),)

    def renamed(self, names: Mapping[str, Mapping[str, str]]) -> "TargetSpec":
        """The target with other names of its labels, in their order."""
        other = names.get(self.name, {})
        return replace(self, labels=tuple(other.get(label, label) for label in self.labels))

    def to_dict(self) -> dict[str, Any]:
        """As JSON, without what is optional where there is none."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        lists: dict[str, list[Any]] = {
            "labels": list(self.labels),
            "inputs": [asdict(one) for one in self.inputs],
            "conditions": [one.to_dict() for one in self.conditions],
            "attributes": [list(one) for one in self.attributes],
        }
        optional = ("inputs", "conditions", "pipeline", "purpose", "attributes")
        return {
            name: lists.get(name, value)
            for name, value in values.items()
            if value or name not in optional
        }

    def row(self, untrained_reason: str = "") -> TargetRow:
        """As a target of a version; with a reason it is one that was not trained."""
        return TargetRow(
            name=self.name,
            object_name=self.object_name,
            object_tag=self.object_tag,
            field=self.field,
            kind=self.kind,
            labels=list(self.labels),
            trained=not untrained_reason,
            untrained_reason=untrained_reason,
            pipeline=self.pipeline,
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TargetSpec":
        """From `to_dict`'s or a stored Target's fields; others are left out."""
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        return cls(
            **{
                **known,
                "labels": tuple(values["labels"]),
                "inputs": tuple(InputSpec(**one) for one in values.get("inputs", ())),
                "conditions": tuple(map(Condition.from_dict, values.get("conditions", ()))),
                "attributes": tuple((a, b, c) for a, b, c in values.get("attributes", ())),
            }
        )


@dataclass(frozen=True)
class Unserved:
    """A control tag that a pipeline does not fill; `message` is one ASCII line of our own words."""

    control: str
    code: str
    message: str


@dataclass(frozen=True)
class Match:
    """The targets of a label config, each with its pipeline, and the reason of each other control.

    Without targets no pipeline serves the config.
    """

    targets: tuple[TargetSpec, ...] = ()
    unserved: tuple[Unserved, ...] = ()

    @property
    def pipelines(self) -> tuple[str, ...]:
        """The names of the pipelines that fill its targets."""
        return tuple(sorted({target.pipeline for target in self.targets}))

    @property
    def pipeline(self) -> str:
        """Those names as one text; "" where none serves it."""
        return ", ".join(self.pipelines)

    def of(self, pipeline: str) -> tuple[TargetSpec, ...]:
        """The targets that this pipeline fills."""
        return tuple(target for target in self.targets if target.pipeline == pipeline)


class ScoredValue(NamedTuple):
    """A region of a prediction: a value of its label type, and a score within 0..1."""

    value: Any
    score: float


class Prediction(NamedTuple):
    """A model's prediction for a target: any number of regions, none where there is nothing.

    `kind` is the label type's name. `score`, within 0..1, is how sure the model is of the whole:
    also where it predicts that there is nothing. `margin`, within 0..1, is how far it is ahead of
    the next best; None where the model has no second.
    """

    target: str
    kind: str
    regions: tuple[ScoredValue, ...]
    score: float
    margin: float | None = None


@dataclass(frozen=True)
class NoPrediction:
    """The reason why a target of a task has no prediction."""

    target: str
    code: str
    message: str
