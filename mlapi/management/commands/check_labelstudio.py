"""`manage.py check_labelstudio`: tries each step to Label Studio and names the cure of the first
that fails."""

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q, QuerySet

from mlapi.mirror.connection_check import check
from registry.models import Project


class Command(BaseCommand):
    help = (
        "Try each step between this backend and Label Studio (reach, token, project, webhook, "
        "export, media) and name what fails and its cure. Ends with 1 if anything failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "project", nargs="?", help="Label Studio's id of the project, or its uid; default: all"
        )
        parser.add_argument(
            "--fix", action="store_true", help="create or repair the project's webhook"
        )

    def handle(self, *args, project: str | None, fix: bool, **options) -> None:
        projects = self._projects(project)
        failed = [p for p in projects if not self._show(p, check(p, fix=fix))]
        if failed:
            raise CommandError(
                f"{len(failed)} of {len(projects)} projects cannot be reached fully."
            )

    def _projects(self, name: str | None) -> QuerySet[Project]:
        projects = Project.objects.order_by("id")
        if name:
            projects = projects.filter(Q(uid=name) | Q(uid__startswith=f"{name}."))
        if not projects:
            raise CommandError(
                f"No project {name} is known here."
                if name
                else "No project is known yet. Connect this backend in Label Studio first."
            )
        return projects

    def _show(self, project: Project, report: dict) -> bool:
        self.stdout.write(f"{project} {report['url']}")
        for step in report["steps"]:
            mark = self.style.SUCCESS("ok  ") if step["ok"] else self.style.ERROR("FAIL")
            self.stdout.write(f"  {mark} {step['step']}: {step['detail']}")
            if step["cure"]:
                self.stdout.write(f"       {step['cure']}")
        return report["ok"]
