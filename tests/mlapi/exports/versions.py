"""Versions to export, one of each pipeline and of several, with tasks for them.

Their models are fitted by the code that trains them, on texts and digits that tell their labels.
"""

import random
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import xgboost

from mlapi import serving
from mlapi.domain import InputSpec, TargetSpec
from mlapi.images.feature_store import to_bytes
from mlapi.inputs import ImageFeatures, TextInput
from mlapi.pipelines.artifact import join, pack
from mlapi.pipelines.classification import calibration
from mlapi.pipelines.classification.boosted import AutoMLEstimator, BoostedTrees
from mlapi.pipelines.classification.model import Classifier, TrainedTarget
from mlapi.pipelines.image_classification.model import KERNEL, LINEAR
from mlapi.pipelines.image_clusters.clustering import cluster
from mlapi.pipelines.image_clusters.model import ClusterModel
from mlapi.pipelines.image_similarity.model import SimilarityModel
from mlapi.pipelines.text_classification.features import fit_columns
from mlapi.pipelines.text_classification.model import CHAR, WORD, WORD_CHAR
from registry.actions import features
from registry.actions.features import FeatureRow
from registry.models import ModelVersion, Project, Task
from tests.factories import ModelVersionFactory, ProjectFactory
from tests.mlapi import trained_images
from tests.mlapi.image_files import digits

WORDS = {
    "sport": ["ball", "goal", "team", "match", "league", "coach", "player", "score"],
    "money": ["bank", "rate", "stock", "price", "market", "fund", "share", "profit"],
    "music": ["song", "band", "album", "guitar", "concert", "singer", "tune", "drum"],
}
COMMON = ["the", "a", "of", "in", "on", "with", "and", "this", "that", "new", "old", "very"]
TOPICS = tuple(sorted(WORDS))
PATHS = ("Europe", "Europe / France", "Asia", "Asia / Japan")
TEXT_CONFIG = (
    '<View><Text name="text" value="$text"/><Header value="More"/><Text name="more" value="$more"/>'
    '<Choices name="topic" toName="text"><Choice value="sport"/><Choice value="money"/>'
    '<Choice value="music"/></Choices>'
    '<Choices name="topics" toName="text" choice="multiple"><Choice value="sport"/>'
    '<Choice value="money"/><Choice value="music"/></Choices>'
    '<Rating name="stars" toName="more" maxRating="3"/>'
    '<Taxonomy name="place" toName="text"><Choice value="Europe"><Choice value="France"/></Choice>'
    '<Choice value="Asia"><Choice value="Japan"/></Choice></Taxonomy>'
    "</View>"
)
DIGITS = "".join(f'<Choice value="{d}"/>' for d in range(10))
IMAGE_CONFIG = (
    '<View><Image name="img" value="$image"/>'
    f'<Choices name="kind" toName="img">{DIGITS}</Choices>'
    f'<Choices name="looks" toName="img">{DIGITS}</Choices>'
    '<TextArea name="group" toName="img"/></View>'
)
IMAGE_OPTIONS = {
    "controls": {"looks": {"similar_to": "7", "k": 3}, "group": {"cluster": True}},
}
BOTH_CONFIG = TEXT_CONFIG.replace("</View>", "") + IMAGE_CONFIG.removeprefix("<View>")


def texts(n: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Texts, and (n, topics) whether each is about the topic; of one topic or two."""
    rng = random.Random(seed)
    found, about = [], np.zeros((n, len(TOPICS)), dtype=int)
    for i in range(n):
        own = rng.sample(range(len(TOPICS)), k=1 + (i % 4 == 0))
        about[i, own] = 1
        words = [rng.choice(WORDS[TOPICS[t]]) for t in own for _ in range(3)]
        words += rng.choices(COMMON, k=6)
        rng.shuffle(words)
        found.append(f"{' '.join(words)} {i}.")
    return found, about


def text_part(estimators: str = "linear") -> bytes:
    """Topic, topics, stars and place; `boosted`: the topic by AutoML's estimator.

    Its decision never gives three stars.
    """
    read, about = texts(240)
    first = about.argmax(axis=1)
    spec = TargetSpec("topic", "text", "Text", "text", "choice", TOPICS)
    targets = [
        _single(spec, WORD_CHAR, read, first)
        if estimators == "linear"
        else _boosted(spec, read, first),
        _multiple(replace(spec, name="topics", kind="choices"), WORD, read, about),
        _single(
            TargetSpec(
                "stars", "more", "Text", "more", "choice", ("1", "2", "3"), control_tag="Rating"
            ),
            CHAR,
            read,
            first,
            np.array([1.0, 0.8, 1e-6]),
        ),
        _multiple(
            TargetSpec("place", "text", "Text", "text", "taxonomy", PATHS, control_tag="Taxonomy"),
            WORD,
            read,
            np.hstack([about, about[:, :1]]),
        ),
    ]
    model = Classifier("text_classification", TextInput(), targets)
    return pack(model.pipeline, model.to_parts())


def _single(
    spec: TargetSpec,
    candidate: Any,
    inputs: Any,
    classes: np.ndarray,
    weights: np.ndarray | None = None,
) -> TrainedTarget:
    estimator = candidate.fit(inputs, classes, len(spec.labels), "single")
    fitted = calibration.fit(estimator.scores(inputs), classes, "single", 1)
    return TrainedTarget(spec, estimator, fitted, weights)


def _multiple(spec: TargetSpec, candidate: Any, inputs: Any, labels: np.ndarray) -> TrainedTarget:
    estimator = candidate.fit(inputs, labels, len(spec.labels), "multiple")
    fitted = calibration.fit(estimator.scores(inputs), labels, "multiple")
    return TrainedTarget(spec, estimator, fitted)


def _boosted(spec: TargetSpec, inputs: Sequence[str], classes: np.ndarray) -> TrainedTarget:
    columns = fit_columns(inputs, 0)
    matrix = columns.columns(inputs)
    fitted = xgboost.train(
        {"objective": "multi:softprob", "num_class": 3, "max_depth": 3, "nthread": 1},
        xgboost.DMatrix(matrix, label=classes),
        num_boost_round=12,
    )
    n = matrix.shape[1]
    trees = BoostedTrees(bytes(fitted.save_raw("ubj")), np.arange(n), np.zeros(n), 3)
    estimator = AutoMLEstimator(columns, trees, np.arange(3), 3)
    return TrainedTarget(
        spec, estimator, calibration.fit(estimator.scores(inputs), classes, "single")
    )


def image_parts(kernel: bool = True) -> dict[str, bytes]:
    """Kinds by a classifier, looks by similarity, groups by clusters."""
    n = 200
    vectors = np.stack(trained_images.features_of(n))
    kinds = [trained_images.LABELS.index(label) for label in digits(n)[1]]
    spec = trained_images.SPEC
    read = ImageFeatures(trained_images.opencv())
    kind = _single(spec, KERNEL if kernel else LINEAR, list(vectors), np.array(kinds))
    classifier = Classifier("image_classification", read, [kind])
    sevens = vectors[[i for i, label in enumerate(kinds) if label == 7][:5]]
    similarity = SimilarityModel(
        replace(spec, name="looks"),
        "7",
        read,
        np.arange(len(sevens)),
        sevens,
        np.full(len(sevens), 0.9, np.float32),
    )
    group = replace(spec, name="group", kind="text", labels=(), control_tag="TextArea")
    centres = np.asarray(cluster(vectors, 4, 4, 0).centres, np.float32)
    clusters = ClusterModel(group, read, centres, [f"cluster {i}" for i in range(4)])
    return {
        "image_classification": pack("image_classification", classifier.to_parts()),
        "image_similarity": pack("image_similarity", similarity.to_parts()),
        "image_clusters": pack("image_clusters", clusters.to_parts()),
    }


def encoder_part() -> bytes:
    """The topic by sentence vectors beside TF-IDF, and the topics by sentence vectors alone."""
    from mlapi.pipelines.text_classification.sentence_vectors import (
        SentenceCandidate,
        TextAndSentenceCandidate,
    )
    from mlapi.texts.encoders.loading import reference

    read, about = texts(120)
    encoder = reference("minilm", 64)
    spec = TargetSpec("topic", "text", "Text", "text", "choice", TOPICS)
    targets = [
        _single(spec, TextAndSentenceCandidate(encoder), read, about.argmax(axis=1)),
        _multiple(
            replace(spec, name="topics", kind="choices"), SentenceCandidate(encoder), read, about
        ),
    ]
    model = Classifier("text_classification", TextInput(encoder), targets)
    return pack(model.pipeline, model.to_parts())


def dialogue_part() -> bytes:
    """The topic of a dialogue in which each turn has text and author."""
    read, about = texts(120)
    source = InputSpec("Paragraphs", "$talk", text_key="words", author_key="who")
    spec = TargetSpec(
        "topic", "talk", "Paragraphs", "talk", "choice", TOPICS, "words", "who", inputs=(source,)
    )
    model = Classifier(
        "text_classification", TextInput(), [_single(spec, WORD, read, about.argmax(axis=1))]
    )
    return pack(model.pipeline, model.to_parts())


def version_of(
    parts: dict[str, bytes], config: str, options: dict[str, Any] | None = None
) -> ModelVersion:
    """A champion of these parts, of a project with this label config."""
    from mlapi.pipelines import version_predictor

    project = ProjectFactory(
        label_config=config, pipeline=", ".join(sorted(parts)), options=options or {}
    )
    targets = [asdict(target.row()) for target in version_predictor.load(parts).targets]
    return ModelVersionFactory(
        project=project,
        champion=True,
        content=join(parts),
        pipeline=project.pipeline,
        targets=targets,
    )


def text_tasks(n: int, *, typed: bool = False) -> list[dict[str, Any]]:
    """Tasks' data: some are long, empty, in another script, or lack a field.

    One in fifty has a number for a text, unless they are `typed`, as MLflow wants them.
    """
    found, _ = texts(n, seed=7)
    rows: list[dict[str, Any]] = [{"text": text, "more": text[::-1]} for text in found]
    for i, row in enumerate(rows):
        if i % 50 == 1:
            row["text"] = "  "
        elif i % 50 == 2:
            del row["more"]
        elif i % 50 == 3:
            row["text"] = "球 goal チーム " + row["text"].upper() * 40
        elif i % 50 == 4 and not typed:
            row["more"] = 17
    return rows


def image_tasks(n: int) -> list[dict[str, Any]]:
    """Tasks' data, with addresses of the first n digits."""
    return [{"image": f"http://images/{i}.png"} for i in range(n)]


def store_features(project: Project, n: int) -> None:
    """The tasks of `image_tasks`, mirrored, with the features of their images."""
    tasks = Task.objects.bulk_create(
        Task(project=project, labelstudio_id=1 + i, data=data, input_key=f"{i}")
        for i, data in enumerate(image_tasks(n))
    )
    rows = zip(tasks, trained_images.features_of(n), strict=True)
    features.save(
        project,
        trained_images.opencv().name,
        [
            FeatureRow(task.pk, task.data["image"], f"{task.pk:064}", to_bytes(vector))
            for task, vector in rows
        ],
    )


def served(version: ModelVersion, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers of `/predict`: by control the label or labels, and the score."""
    tasks = [{"id": 1 + i, "data": data} for i, data in enumerate(rows)]
    project = Project.objects.select_related("champion").get(pk=version.project_id)
    found = serving.answer(project, project.label_config, tasks)
    return [
        {r["from_name"]: (_value(r["type"], r["value"]), r["score"]) for r in entry["result"]}
        if entry
        else {}
        for entry in found.results
    ]


def _value(kind: str, value: dict[str, Any]) -> Any:
    match kind:
        case "choices":
            return value["choices"]
        case "taxonomy":
            return sorted(" / ".join(path) for path in value["taxonomy"])
        case "rating":
            return [str(value["rating"])]
        case "textarea":
            return value["text"]
    raise ValueError(kind)


def differences(
    served_: Sequence[dict[str, Any]], exported: Sequence[dict[str, Any]]
) -> list[tuple[int, str, Any, Any]]:
    """The differences of an export's answers from those of `/predict`.

    Exported answers are `{control: {"value", "score"}}`; the empty set has no region.
    """
    found = []
    for i, (one, other) in enumerate(zip(served_, exported, strict=True)):
        answers = {
            name: (_listed(answer["value"]), answer["score"])
            for name, answer in other.items()
            if answer["value"]
        }
        for name in one.keys() | answers.keys():
            a, b = one.get(name), answers.get(name)
            if a is None or b is None or a[0] != b[0] or abs(a[1] - b[1]) > 1e-5:
                found.append((i, name, a, b))
    return found


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list | tuple) else [value]
