"""Projects of digits, whose images are on a real server: mirrored, trained and predicted."""

import hashlib
import sys
from collections.abc import Sequence

import pytest

from mlapi import model_cache, serving
from mlapi.child_process.supervise import Program
from mlapi.images.similarity import forget
from mlapi.mirror.apply_changes import refresh_stored_config
from mlapi.training.run import Programs, carry_out
from registry.actions import run_starts
from registry.actions.tasks import TaskState
from registry.models import Project, TrainingRun
from tests.factories import ProjectFactory, mirror
from tests.mlapi.image_files import digits
from tests.mlapi.image_server import image_server
from tests.mlapi.trained_images import champion_of_digits

# The learning curve comes after a run has ended, and is tested with the child itself.
WITHOUT_CURVE = Programs(curve=lambda folder: Program((sys.executable, "-c", "raise SystemExit")))
DIGITS = "".join(f'<Choice value="{d}"/>' for d in range(10))
CONFIG = (
    '<View><Image name="img" value="$image"/>'
    f'<Choices name="kind" toName="img">{DIGITS}</Choices></View>'
)


@pytest.fixture
def server(settings):
    with image_server() as running:
        settings.MEDIA_ALLOWED_HOSTS = [running.host]
        yield running


@pytest.fixture
def project():
    model_cache.clear()
    forget()
    made = ProjectFactory(label_config=CONFIG, pipeline="", hostname="")
    refresh_stored_config(made)
    made.refresh_from_db()
    yield made
    model_cache.clear()
    forget()


def put(project: Project, addresses: Sequence[str], labels: Sequence[str | None], first=1) -> None:
    """Tasks as the mirror has them; None: nobody has labelled it."""
    states = [
        TaskState(
            labelstudio_id=first + i,
            data={"image": address},
            labels={} if label is None else {"kind": label},
            annotations=[] if label is None else [{"id": first + i}],
            input_key=hashlib.sha256(address.encode()).hexdigest(),
        )
        for i, (address, label) in enumerate(zip(addresses, labels, strict=True))
    ]
    mirror(project, states)


def train(project: Project) -> TrainingRun:
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run = carry_out(run.pk, "worker@test", programs=WITHOUT_CURVE)
    project.refresh_from_db()
    return run


def images_of(run: TrainingRun) -> dict[str, int]:
    assert run.state == "succeeded", f"{run.error_code}: {run.error} {run.log}"
    return run.dataset_counts["images"]


def small(server, project, n=120, unlabelled=10) -> list[str]:
    """A project of n labelled digits with a champion, and some that nobody has labelled."""
    files, labels = digits(n + unlabelled)
    addresses = [server.put(f"{i}.png", content) for i, content in enumerate(files)]
    put(project, addresses, [*labels[:n], *[None] * unlabelled])
    champion_of_digits(project, n)
    return addresses


def predict(project: Project, pairs: Sequence[tuple[int, str]]) -> serving.Predictions:
    tasks = [{"id": number, "data": {"image": address}} for number, address in pairs]
    return serving.answer(project, project.label_config, tasks)
