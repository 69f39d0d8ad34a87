"""Tells by its exit status whether the process of this container is well."""

import http.client
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evals_backend import health


class Command(BaseCommand):
    """`health web`, `health events`, `health training`."""

    help = "Exit status 0 if the web server answers, or the worker has a recent heartbeat; else 1."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which process."""
        parser.add_argument("process", choices=("web", "events", "training"))

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError, and so ends with 1, if it is not well."""
        process = options["process"]
        try:
            well = health.web_answers() if process == "web" else health.worker_is_live(process)
        except (OSError, http.client.HTTPException) as error:
            raise CommandError(f"{_tried(process)} does not answer: {error}") from error
        if not well:
            raise CommandError(f"{_tried(process)} is not well")


def _tried(process: str) -> str:
    return f"web at {health.web_address()}" if process == "web" else process
