"""`manage.py worker`: one worker of a django-q cluster, in this process."""

import os

from django.core.management.base import BaseCommand
from django.db import connections

from mlapi.jobs import cluster
from registry import queue


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT; `Q_CLUSTER_NAME` says which cluster."""

    help = "Run the jobs of one cluster: events, or with Q_CLUSTER_NAME=training the trainings."

    def handle(self, *args: object, **options: object) -> None:
        cluster.run(os.environ.get("Q_CLUSTER_NAME", queue.EVENTS))
        connections.close_all()
