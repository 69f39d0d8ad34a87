"""What the lists of the admin and REST are filtered and searched by."""

from django.db import migrations, models
from django.db.models import Q


def by(model: str, name: str, *fields: str, where: Q | None = None) -> migrations.AddIndex:
    index = models.Index(fields=list(fields), condition=where, name=name)
    return migrations.AddIndex(model_name=model, index=index)


class Migration(migrations.Migration):
    dependencies = [("registry", "0005_task_scores")]

    operations = [
        migrations.AlterField(
            model_name="modelversion",
            name="label",
            field=models.CharField(
                db_index=True,
                help_text="`v7-3fa2c1`: the number and six hex digits of the artifact's SHA-256.",
                max_length=32,
            ),
        ),
        by("modelversion", "version_of_project", "project", "-id"),
        by("modelversion", "version_archived", "-id", where=Q(archived_at__isnull=False)),
        by("modelversion", "version_unloadable", "-id", where=Q(load_failed_at__isnull=False)),
        by("trainingrun", "run_by_state", "state", "-id"),
        by("trainingrun", "run_by_trigger", "trigger", "-id"),
        by("trainingrun", "run_by_error", "error_code", "-id"),
        by("event", "event_by_status", "status", "-id"),
        by("event", "event_by_action", "action", "-id"),
        by("event", "event_of_request", "request_id"),
        by("outcome", "outcome_by_source", "source", "-id"),
        by("act", "act_newest_of_project", "project", "-id"),
        by("act", "act_by_verb", "verb", "-id"),
        by("act", "act_by_actor", "actor", "-id"),
        by("task", "task_labelstudio_id", "labelstudio_id"),
        by("task", "task_deleted", "-id", where=Q(deleted_at__isnull=False)),
    ]
