"""Receives events of a project and processes them."""

from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connection

from mlapi.mirror.process_events import process_pending_events
from registry.actions import events, tasks
from registry.models import Event, Task


def receive(project, action, payload) -> Event:
    return events.record(project, action, payload)


def apply_events(project, *received) -> list[Event]:
    """Receive the events and process them; the events as they ended."""
    made = [receive(project, action, payload) for action, payload in received]
    process_pending_events(project.pk)
    return [Event.objects.get(pk=event.pk) for event in made]


def process_elsewhere(project) -> Future[int]:
    """Process the project's events as another process would: by a connection of its own."""

    def process() -> int:
        try:
            return process_pending_events(project.pk)
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(process)
    finally:
        pool.shutdown(wait=False)


def mirrored(project, id=1) -> Task:
    return tasks.existing(project).get(labelstudio_id=id)
