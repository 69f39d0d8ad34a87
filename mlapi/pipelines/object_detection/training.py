"""Trains an object detection version in EvaDB: tables, detectors, thresholds, artifact, metrics."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mlapi.domain import InputError, TargetSpec, TrainingFailed
from mlapi.eva.execute import execute
from mlapi.eva.open import Eva
from mlapi.evaluation.evaluate import Version, evaluate, load_champion
from mlapi.evaluation.joined import TrainedPart
from mlapi.images.decoding import read_or_error
from mlapi.images.folder_store import FolderImageStore
from mlapi.inputs import SizedImages
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.pipelines import artifact
from mlapi.pipelines.models import load_model
from mlapi.pipelines.object_detection import dataset as datasets
from mlapi.pipelines.object_detection import pretrained
from mlapi.pipelines.object_detection.dataset import DetectionDataset
from mlapi.pipelines.object_detection.engines.base import Box, DetectionExample, Detector, Engine
from mlapi.pipelines.object_detection.evaluation import DetectionHoldout
from mlapi.pipelines.object_detection.examples import AnnotatedImage, TargetResult, Validation
from mlapi.pipelines.object_detection.model import DetectedTarget, DetectionModel
from mlapi.pipelines.object_detection.options import AUTO, chosen_engine
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from mlapi.run_folder.result import environment
from registry.training_result import CandidateRow, TrainingResult

LEAST_IMAGES = 2  # with a box of the label
_MOST_BYTES = 1_500_000_000  # of a target's images in memory
_VALIDATION = 0.25  # share of the training images, by which thresholds are chosen
_LEAST_TO_VALIDATE = 8  # images
_SHARE = 0.3  # of the time limit, of a first training that leaves time for another


def train(
    job: TrainingJob,
    progress: ProgressWriter,
    images: SizedImages,
    store: FolderImageStore,
    eva: Eva,
) -> TrainedPart:
    """See Pipeline.train. Raises TrainingFailed with not_enough_labels or not_fitted."""
    progress.phase("reading", 0.02)
    engine = job.options["engine"]
    if not all(pretrained.is_named(spec, engine) for spec in job.targets):
        by_auto = ", chosen by auto" if engine == AUTO else ""
        progress.log(f"The engine is {chosen_engine(engine).name}{by_auto}.")
    dataset = datasets.write(eva, job, store, images)
    learned: list[TargetResult] = []
    failures: dict[str, TrainingFailed] = {}
    for number, spec in enumerate(job.targets):
        begin = 0.05 + 0.7 * number / len(job.targets)
        progress.phase(f"learning {spec.name}", begin)
        part = progress.part(begin, begin + 0.7 / len(job.targets))
        drawn = _read(eva, dataset, number, images, job.seed, part)
        try:
            if pretrained.is_named(spec, engine):
                learned.append(_of_pretrained(job, spec, drawn, part))
            else:
                learned.append(_learn(job, spec, chosen_engine(engine), drawn, part))
        except TrainingFailed as failure:
            failures[spec.name] = failure
            progress.log(f"{spec.name} is not trained. {failure.message}")
    if not learned:
        dataset.log(progress)
        raise next(iter(failures.values()))
    progress.phase("saving", 0.75)
    model = DetectionModel(images, [one.target for one in learned])
    stored = artifact.save(job.artifact, job.pipeline, model)
    champion = load_champion(job, load_model, progress)
    holdout = DetectionHoldout(eva, job, dataset, progress)
    found = evaluate(holdout, job, Version(job.number, stored, model), champion, progress)
    dataset.log(progress)
    specs = {one.target.spec.name: one.target.spec for one in learned}
    result = TrainingResult(
        recipe=" / ".join(dict.fromkeys(one.target.engine for one in learned)),
        candidates=[one.candidate for one in learned],
        targets=[
            specs[spec.name].row() if spec.name in specs else spec.row(failures[spec.name].message)
            for spec in job.targets
        ],
        **found.of_result,
        environment=environment(),
        artifact_sha256=stored.sha256,
    )
    return TrainedPart(result, found.own, found.paired, found.chosen)


def _read(
    eva: Eva,
    dataset: DetectionDataset,
    number: int,
    images: SizedImages,
    seed: int,
    progress: ProgressWriter,
) -> list[AnnotatedImage]:
    """The target's training tasks; where memory takes fewer, any of them, and not the oldest."""
    rows = execute(
        eva,
        f"SELECT id, path, boxes FROM {dataset.train} WHERE number = {number}",  # noqa: S608
    )
    listed = [] if rows is None or rows.empty else rows.sort_values("id").to_dict("records")
    drawn: dict[int, AnnotatedImage] = {}
    held = 0
    for row in random.Random(seed).sample(listed, len(listed)):  # noqa: S311
        boxes = datasets.boxes_of(row["boxes"])
        try:
            image = datasets.sized(read_or_error(Path(row["path"]), images.max_side), boxes)
        except InputError as error:
            dataset.leave_out(row["id"], error.code)
            continue
        held += image.pixels.nbytes
        if held > _MOST_BYTES:
            progress.log(f"{len(listed)} images are more than memory takes: {len(drawn)} are used.")
            break
        drawn[row["id"]] = AnnotatedImage(row["path"], image, boxes)
    return [drawn[task] for task in sorted(drawn)]


def _of_pretrained(
    job: TrainingJob,
    spec: TargetSpec,
    drawn: Sequence[AnnotatedImage],
    progress: ProgressWriter,
) -> TargetResult:
    """The model that is named for the target: fine-tuned where it can be and boxes are enough.

    Raises TrainingFailed.
    """
    model = pretrained.read(spec, job.options["engine"])
    if model.learner is None or not _in_enough_images(drawn, spec.labels):
        return pretrained.result(spec, model, drawn, progress)
    progress.log(f"{spec.name} is learned from {model.name} on.")
    return _learn(job, spec, model.learner, drawn, progress, known=model.labels(spec))


def _learn(
    job: TrainingJob,
    spec: TargetSpec,
    engine: Engine,
    drawn: Sequence[AnnotatedImage],
    progress: ProgressWriter,
    known: Sequence[str] = (),
) -> TargetResult:
    """Train the engine, and choose the thresholds on images that it has not seen, if there is time.

    Labels that it has `known` before need no images. Raises TrainingFailed.
    """
    spec, drawn = _learnable(spec, drawn, known, progress)
    began = time.monotonic()
    until = began + job.time_limit_s * 0.8 / len(job.targets)
    detector = _fit(engine, drawn, spec, job.seed, until)
    seconds = time.monotonic() - began
    progress.phase(f"choosing the thresholds of {spec.name}", 0.6)
    scored, images, note = detector, drawn, "on the images that it learned from"
    new = [label for label in spec.labels if label not in known]
    rest, validation = _split(drawn, new, job.seed)
    if validation and seconds < _SHARE * (until - began):
        unseeing = _fit_again(engine, rest, spec, job.seed, until, progress)
        if unseeing is not None:
            scored, images = unseeing, validation
            note = f"on {len(validation)} images that it had not seen"
    validated = Validation.of(spec, images, _detected(spec, engine, scored, images))
    progress.log(
        f"{spec.name}: {len(drawn)} images in {seconds:.1f} s; thresholds, chosen {note}: "
        f"{validated.summary}"
    )
    candidate = CandidateRow(
        spec.name,
        engine.name,
        validated.f1,
        "f1",
        seconds,
        len(images),
        f"Scored {note}.",
        won=True,
    )
    return TargetResult(
        DetectedTarget(spec, engine.name, detector, validated.thresholds), candidate
    )


def _images_by_label(drawn: Sequence[AnnotatedImage]) -> Counter[str]:
    """The number of images with a box of each label."""
    return Counter(label for one in drawn for label in {box.label for box in one.boxes})


def _in_enough_images(drawn: Sequence[AnnotatedImage], labels: Sequence[str]) -> list[str]:
    """Those of the labels that enough images have."""
    images = _images_by_label(drawn)
    return [label for label in labels if images[label] >= LEAST_IMAGES]


def _learnable(
    spec: TargetSpec,
    drawn: Sequence[AnnotatedImage],
    known: Sequence[str],
    progress: ProgressWriter,
) -> tuple[TargetSpec, list[AnnotatedImage]]:
    """The target with the labels that can be learned or are known, and the images with boxes of
    these only.
    """
    images = _images_by_label(drawn)
    enough = {*_in_enough_images(drawn, spec.labels), *known}
    labels = tuple(label for label in spec.labels if label in enough)
    for label in spec.labels:
        if label not in labels and images[label]:
            progress.log(f"{spec.name}: {label} is not learned: it is in 1 training image only.")
    if not labels:
        boxed = sum(bool(one.boxes) for one in drawn)
        have = "1 has" if boxed == 1 else f"{boxed} have"
        raise TrainingFailed(
            "not_enough_labels",
            f"Of {len(drawn)} training images {have} a box; "
            f"a label is learned from {LEAST_IMAGES} images.",
            hint="Draw boxes on more images.",
        )
    learned = [
        replace(one, boxes=tuple(b for b in one.boxes if b.label in labels)) for one in drawn
    ]
    return replace(spec, labels=labels), learned


def _split(
    drawn: Sequence[AnnotatedImage], labels: Sequence[str], seed: int
) -> tuple[list[AnnotatedImage], list[AnnotatedImage]]:
    """Those to learn the labels from, and those to choose thresholds on; none where too few.

    Tasks with the same image are on one side. Files are named in the order of downloads, and so
    shuffled in that of the tasks.
    """
    files = list(dict.fromkeys(one.file for one in drawn))
    random.Random(seed).shuffle(files)  # noqa: S311
    unseen = set(files[: round(_VALIDATION * len(files))])
    rest = [one for one in drawn if one.file not in unseen]
    validation = [one for one in drawn if one.file in unseen]
    enough = len(_in_enough_images(rest, labels)) == len(labels) and any(o.boxes for o in rest)
    if not enough or len(files) < _LEAST_TO_VALIDATE:
        return list(drawn), []
    return rest, validation


def _fit(
    engine: Engine, drawn: Sequence[AnnotatedImage], spec: TargetSpec, seed: int, until: float
) -> Detector:
    try:
        return engine.train(
            [_example(one) for one in drawn],
            spec.labels,
            seed=seed,
            deadline=_deadline(engine, until),
        )
    except (TrainingFailed, MemoryError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise TrainingFailed("not_fitted", f"{engine.name} could not learn: {reason}") from error


def _fit_again(
    engine: Engine,
    rest: Sequence[AnnotatedImage],
    spec: TargetSpec,
    seed: int,
    until: float,
    progress: ProgressWriter,
) -> Detector | None:
    """A detector without the validation images; None if it fails, which costs only its scores."""
    try:
        return _fit(engine, rest, spec, seed, until)
    except (TrainingFailed, MemoryError) as error:
        reason = error.message if isinstance(error, TrainingFailed) else "The memory is too small."
        progress.log(f"{spec.name}: not trained again without the validation images. {reason}")
        return None


def _deadline(engine: Engine, until: float) -> Callable[[], None]:
    def check() -> None:
        if time.monotonic() > until:
            raise TrainingFailed(
                "not_fitted", f"{engine.name} did not come to an end within the time of the run."
            )

    return check


def _example(one: AnnotatedImage) -> DetectionExample:
    height, width = one.image.pixels.shape[:2]
    boxes = (Box(box.label, *box.place.in_pixels(width, height)) for box in one.boxes)
    return DetectionExample(one.image.pixels, tuple(boxes))


def _detected(
    spec: TargetSpec, engine: Engine, detector: Detector, drawn: Sequence[AnnotatedImage]
) -> list[tuple[LabelledBox, ...]]:
    target = DetectedTarget(spec, engine.name, detector, {})
    return [target.detect(one.image) for one in drawn]
