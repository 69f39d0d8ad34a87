"""Exports a version: a folder, or a zip of it, that predicts without this backend.

The same bytes each time: of a version, by one release, as long as no label of it is renamed, and
the label config says the same of how its boxes are served.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from mlapi import label_types
from mlapi.domain import TargetSpec
from mlapi.exports import mlmodel, sources
from mlapi.pipelines import artifact
from mlapi.pipelines.part_names import pipeline_of
from mlapi.pipelines.parts import Parts
from mlapi.served_config import resolve
from mlapi.served_names import ServedNames, served_names
from mlapi.standalone import texts
from mlapi.standalone.model import ARTIFACT, DESCRIPTION, ENCODER, MODULES
from mlapi.texts.encoders import huggingface_model, model_files
from mlapi.texts.refs import EncoderRef
from registry import artifacts
from registry.errors import EvalsError
from registry.models import ModelVersion
from registry.reports.card import card_markdown, training_card

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say


class NotExportable(EvalsError):
    """The version has a part that predicts only inside the backend."""

    code = "not_exportable"


class FolderNotEmpty(EvalsError):
    """The folder of an export has files already."""

    code = "folder_not_empty"


@dataclass(frozen=True)
class _Contents:
    """What the artifact has: its pipelines, targets, encoders and the packages that it names.

    `modules` are those that predict beside its pipelines'.
    """

    pipelines: tuple[str, ...]
    targets: tuple[TargetSpec, ...]
    encoders: tuple[EncoderRef, ...]
    needs: tuple[str, ...]
    modules: tuple[str, ...]


def files(version: ModelVersion) -> dict[str, bytes]:
    """The files of the export by their paths.

    Raises NotExportable, ArtifactMissing, ArtifactCorrupt, ArtifactFormatOld or ArtifactInvalid,
    and TrainingFailed where the files of its sentence encoder are unavailable.
    """
    _, sha256 = artifacts.loaded_from(version)
    content = artifacts.read(version)
    found = _contents(content)
    modules = sources.entries(found.pipelines, found.modules, with_encoder=bool(found.encoders))
    packages = sources.packages(modules) | sources.named(found.needs)
    todays = _todays(version).of_learned(found.targets)
    names = {control: dict(sorted(all_.items())) for control, all_ in sorted(todays.names.items())}
    targets = tuple(target.renamed(names) for target in found.targets)
    package = sources.package(modules)
    described = mlmodel.Described(
        version.artifact_sha256, _time(version), targets, package, packages
    )
    description = {
        "version": version.label,
        "project": version.project.uid,
        "sha256": sha256,
        "names": names,
        "served": _served(version, todays),
    }
    readme = _template("README.md").format(
        version=version.label, uses=_uses(found), example=_example(found)
    )
    return {
        f"data/{ARTIFACT}": content,
        f"data/{DESCRIPTION}": _json(description),
        **_encoder_files(found.encoders),
        **{f"code/{path}": source for path, source in sources.files(modules).items()},
        **mlmodel.files(described),
        "labels.json": _json({target.name: _described(target) for target in targets}),
        "card.md": card_markdown(training_card(version)).encode(),
        "predict.py": _template("predict.py.txt").replace("PACKAGE", package).encode(),
        "README.md": readme.encode(),
    }


def write(version: ModelVersion, folder: Path) -> list[str]:
    """Write the export into a new or empty folder; the paths of its files.

    Raises FolderNotEmpty, and what `files` raises, and has then written nothing.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderNotEmpty(f"{folder} exists and is not an empty folder.")
    found = files(version)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in sorted(found.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return sorted(found)


def write_zip(version: ModelVersion) -> BufferedIOBase:
    """The export as a zip with one folder, in a temporary file at its beginning."""
    found = files(version)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it is returned
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(found):
            entry = zipfile.ZipInfo(f"{version.label}/{name}", _TIME)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, found[name])
    file.seek(0)
    return file


def _contents(content: bytes) -> _Contents:
    pipelines: list[str] = []
    targets: list[TargetSpec] = []
    encoders: list[EncoderRef] = []
    needs: list[str] = []
    modules: list[str] = []
    for name, part in artifact.split(content).items():
        pipeline = pipeline_of(name)
        if pipeline not in MODULES:
            raise NotExportable(f"The pipeline {pipeline} predicts only inside the backend.")
        parts = artifact.unpack(part, pipeline)
        _require_opencv(parts)
        pipelines.append(pipeline)
        for target in parts.parts("targets"):
            targets.append(target.spec())
            needs += target.texts("needs")
            if pipeline == "object_detection":
                modules += _engine_modules(target)
        if pipeline == "text_classification":
            encoders += texts.encoders(parts)
    return _Contents(
        tuple(sorted(set(pipelines))),
        tuple(targets),
        tuple(dict.fromkeys(encoders)),
        tuple(sorted(set(needs))),
        tuple(sorted(set(modules))),
    )


def _engine_modules(target: Parts) -> list[str]:
    """The modules that restore what the target's engine has learned."""
    from mlapi.pipelines.object_detection.engines import ENGINES

    name = target.text("engine")
    module = ENGINES[name].module if name in ENGINES else None
    if module is None:
        raise NotExportable(f"Boxes of the engine {name} are found only inside the backend.")
    missing = ENGINES[name].missing()
    if missing is not None:
        raise NotExportable(f"The engine {name} cannot be exported from here: {missing}")
    return ["mlapi.pipelines.object_detection.engines", module]


def _require_opencv(parts: Parts) -> None:
    extractor = parts.optional("extractor")
    if extractor is not None and extractor.has("features"):
        features = extractor.text("features")
        if features != "opencv":
            raise NotExportable(
                f"The features {features} are of a Hugging Face model, which no export has.",
                hint="Set the option features to opencv, train, and export that version.",
            )


def _encoder_files(encoders: Iterable[EncoderRef]) -> dict[str, bytes]:
    found = {}
    for ref in encoders:
        if huggingface_model.is_prefixed(ref.encoder):
            raise NotExportable(
                f"The encoder {ref.encoder} is a Hugging Face model, which no export has.",
                hint="Set the option encoder to minilm or none, train, and export that version.",
            )
        model, tokenizer = model_files.read_named(model_files.find(ref.encoder), ref)
        found[f"data/{ENCODER}/{model_files.MODEL}"] = model
        found[f"data/{ENCODER}/{model_files.TOKENIZER}"] = tokenizer
    return found


def _todays(version: ModelVersion) -> ServedNames:
    """The labels that are called otherwise today, as `/predict` answers them."""
    return served_names(version.project, version, _targets(version))


def _served(version: ModelVersion, todays: ServedNames) -> dict[str, Any]:
    """By control the labels of boxes, in the version's words, and how the config serves them."""
    return {
        target.name: {
            "labels": list(target.labels),
            "attributes": [list(one) for one in target.attributes],
        }
        for target in todays.of_targets(_targets(version))
        if label_types.of(target).localized
    }


def _targets(version: ModelVersion) -> tuple[TargetSpec, ...]:
    project = version.project
    return resolve(project.label_config, project.options).targets


def _described(target: TargetSpec) -> dict[str, Any]:
    return {"control": target.control_tag, "kind": target.kind, "labels": list(target.labels)}


def _uses(found: _Contents) -> str:
    lines = []
    if "text_classification" in found.pipelines:
        lines.append("- A field of texts has a text, as it is in the tasks of Label Studio.")
    if "object_detection" in found.pipelines:
        lines.append(
            "- Boxes are a list of `{label, x, y, width, height, score}`: `x`, `y`, `width` and "
            "`height` in percent of the image as browsers show it, turned by its EXIF."
        )
    if any(target.object_tag == "Image" for target in found.targets):
        lines.append(
            "- A field of images has the bytes of the file (base64 in requests of `mlflow models "
            "serve`), the path of a file, or a `data:` address. Other addresses are not downloaded."
        )
    if found.encoders:
        lines.append(
            "- `data/encoder/` is the sentence encoder, which `onnxruntime` and `tokenizers` run."
        )
    return "\n".join(lines)


def _example(found: _Contents) -> str:
    target = found.targets[0]
    field = json.dumps(target.field)
    if target.object_tag == "Image":
        return f'{{{field}: open("image.jpg", "rb").read()}}'
    return f'{{{field}: "An example."}}'


def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _time(version: ModelVersion) -> str:
    return version.created_at.strftime("%Y-%m-%d %H:%M:%S.%f")


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()
