"""Projects with labelled tasks, made by the actions that make them in earnest."""

import hashlib
import random
import sys
from pathlib import Path
from types import ModuleType

from mlapi import pipelines
from mlapi.child_process.supervise import Program
from mlapi.labelstudio import label_config
from mlapi.training.programs import Programs
from registry.actions import tasks
from registry.models import Project
from tests.factories import ProjectFactory, mirror

_SMALL_CHILD = str(Path(__file__).with_name("small_child.py"))
_REGISTERING_CHILD = str(Path(__file__).with_name("registering_child.py"))
_WORDS = {
    "Positive": ["great", "lovely", "excellent", "wonderful", "pleased", "happy", "superb"],
    "Negative": ["awful", "terrible", "broken", "disappointing", "poor", "sad", "useless"],
}


def labelled_project(per_label: dict[str, int], **fields) -> Project:
    """A project with that many tasks of each label, in an order that mixes them."""
    project = ProjectFactory(**fields)
    matched = pipelines.match(label_config.parse(project.label_config))
    Project.objects.filter(pk=project.pk).update(fingerprint=pipelines.fingerprint(matched))
    project.refresh_from_db()
    label(project, per_label)
    return project


def label(project: Project, per_label: dict[str, int], *, first_id: int = 1, now=None) -> None:
    """Write tasks with these labels; the text tells the label to anything that learns."""
    rng = random.Random(first_id)
    labels = [name for name, n in per_label.items() for _ in range(n)]
    rng.shuffle(labels)
    states = []
    for number, name in enumerate(labels, start=first_id):
        words = rng.sample(_WORDS.get(name, [name]), k=min(3, len(_WORDS.get(name, [name]))))
        text = f"the thing number {number} is {' and '.join(words)}"
        states.append(
            tasks.TaskState(
                labelstudio_id=number,
                data={"text": text, "secret_column": "not for learning"},
                total_annotations=1,
                labels={"label": name},
                input_key=hashlib.sha256(text.encode()).hexdigest(),
            )
        )
    mirror(project, states, now=now)
    project.refresh_from_db()


def small_programs(train: str = "learn", verify: str = "verify", curve: str = "curve") -> Programs:
    """The small child's behaviours in place of the real programs."""
    return Programs(
        train=lambda folder: small_program(train, folder),
        verify=lambda folder, artifact, sha256: small_program(verify, folder, artifact, sha256),
        curve=lambda folder: small_program(curve, folder),
    )


def programs_with(module: ModuleType) -> Programs:
    """The real programs, with the pipeline, label type, input or engine that a module registers."""

    def of(*arguments: object) -> Program:
        texts = (module.__name__, *map(str, arguments))
        command = (sys.executable, _REGISTERING_CHILD, *texts)
        return Program(command, "tests.mlapi.training.registering_child", texts)

    return Programs(
        train=lambda folder: of("train", folder),
        verify=lambda folder, artifact, sha256: of("verify", folder, artifact, sha256),
        curve=lambda folder: of("train", folder, "--curve"),
    )


def small_program(behaviour: str, *arguments: object) -> Program:
    """The small child, by its file, or forked from a warm process that has it."""
    texts = tuple(map(str, arguments))
    command = (sys.executable, _SMALL_CHILD, behaviour, *texts)
    return Program(command, "tests.mlapi.training.small_child", (behaviour, *texts))
