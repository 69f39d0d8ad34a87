"""Applies changes from Label Studio to the mirror of its tasks.

Its callers hold the project's lock (`mlapi.locks.project_lock`). Label Studio's times decide: a
task or annotation older than the one that is stored changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from more_itertools import chunked

from mlapi.labelstudio import events
from mlapi.mirror.tombstones import Gone
from mlapi.mirror.unit_of_work import Desk
from mlapi.served_config import ServedConfig, resolve
from registry.actions import projects, tasks
from registry.json_sanitize import sanitize
from registry.models import Project, Task
from registry.splits import SplitAssigner


@dataclass
class Applied:
    """What changes did: the tasks whose labels changed, and counts.

    `need_sync` says why Label Studio has to be asked for the rest.
    """

    labelled: list[Task] = field(default_factory=list)
    written: int = 0
    stale: int = 0
    removed_annotations: int = 0
    removed_tasks: int = 0
    need_sync: str | None = None
    config_changed: bool = False
    ignored: list[str] = field(default_factory=list)

    @property
    def did(self) -> bool:
        """Whether anything was there to apply, even if it had been applied before."""
        return bool(self.written or self.removed_annotations or self.removed_tasks)


def apply(project: Project, changes: Sequence[events.Change], desk: Desk, gone: Gone) -> Applied:
    """Apply an event's changes to the tasks on the desk; in the caller's transaction.

    A new label config is only stored: `relabel` goes before, outside of the transaction.
    """
    done = Applied()
    for change in changes:
        match change:
            case events.PutTask() | events.PutAnnotation() if gone.has(change):
                done.stale += 1
            case events.PutTask(task):
                _count(done, desk.put_task(task))
            case events.PutAnnotation(annotation, task_id, task):
                if task is None and not desk.has(task_id):
                    done.need_sync = "an annotation came of a task that is not mirrored"
                else:
                    _count(done, desk.put_annotation(annotation, task_id, task))
            case events.DropAnnotations(ids):
                done.removed_annotations += desk.drop_annotations(ids)
            case events.DropTasks(ids):
                done.removed_tasks += tasks.drop(project, ids)
            case events.PutTasks(whole):
                _add(done, put_tasks(project, whole))
            case events.PutProject(title, label_config):
                done.config_changed = _store_config(project, label_config, title)
                desk.served = resolve(project.label_config, project.options)
                done.written += 1
            case events.NeedSync(reason):
                done.need_sync = reason
            case events.Ignore(reason):
                done.ignored.append(reason)
    done.labelled += desk.write()
    return done


def put_tasks(project: Project, whole: Iterable[dict[str, Any]]) -> Applied:
    """Mirror tasks with all of their annotations, as a sync reads them, in batches of 1,000.

    Each batch is a transaction. What the mirror has and the task no longer has is removed,
    and counted. A task without `annotations` keeps those that it has. Labels that come
    this way have been seen: they are never asked of the champion.
    """
    done = Applied()
    splits = SplitAssigner(project)
    for batch in chunked(whole, tasks.BATCH):
        desk = Desk(project, [events.PutTask(task) for task in batch])
        for task in batch:
            _count(done, desk.put_whole(task))
        done.removed_annotations += desk.removed_annotations
        done.labelled += desk.write(splits)
    return done


def refresh_config(project: Project, label_config: str, title: str | None = None) -> bool:
    """Take in a label config as it is now; True if its targets or labels are others.

    Relabels every annotated task, in batches, and stores the config at the end: until then
    it is news, so that a crash in between is made good by whoever tells it next.
    """
    relabel(project, label_config)
    return _store_config(project, label_config, title)


def relabel(project: Project, label_config: str | None) -> int:
    """Let annotations amount to what they do under this config; return how many labels changed.

    Nothing if its targets and labels are those of the project. A config that no pipeline can
    serve leaves the labels alone, for the one that comes after it.
    """
    if not label_config:
        return 0
    wanted = resolve(sanitize(label_config), project.options)
    if not wanted.targets or wanted.fingerprint == project.fingerprint:
        return 0
    since = _since(project, wanted)
    return tasks.relabel(
        project, lambda task: wanted.derive_labels(project.uid, task.data, task.annotations, since)
    )


def heal_config(project: Project) -> bool:
    """Take in the stored config again if what it amounts to is another thing than was stored.

    So it is after an upgrade that serves more, and after a change of the project's options.
    """
    stored = project.label_config
    if not stored or resolve(stored, project.options).fingerprint == project.fingerprint:
        return False
    return refresh_config(project, stored)


def _store_config(project: Project, label_config: str | None, title: str | None) -> bool:
    label_config = sanitize(label_config or project.label_config)
    title = project.title if title is None else sanitize(title)[:500]
    found = resolve(label_config, project.options)
    if (label_config, title, found.fingerprint) == (
        project.label_config,
        project.title,
        project.fingerprint,
    ):
        return False
    return projects.set_config(
        project,
        label_config,
        title=title,
        fingerprint=found.fingerprint,
        pipeline=found.pipeline,
        unserved_reason=found.unserved_reason,
        control_since=_since(project, found),
    )


def _since(project: Project, wanted: ServedConfig) -> dict[str, str]:
    """When the controls of the wanted config joined it."""
    if wanted.fingerprint == project.fingerprint:
        return project.control_since
    before = resolve(project.label_config, project.options) if project.fingerprint else None
    return wanted.since(before, project.control_since, timezone.now().isoformat())


def _count(done: Applied, taken: bool) -> None:
    if taken:
        done.written += 1
    else:
        done.stale += 1


def _add(done: Applied, more: Applied) -> None:
    done.labelled += more.labelled
    done.written += more.written
    done.stale += more.stale
    done.removed_annotations += more.removed_annotations
