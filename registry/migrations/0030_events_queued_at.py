"""Remembers that the processing of a project's events is queued, so that it is queued once."""

from django.db import migrations, models

_PROGRESS = (
    "labels_changed_at", "threshold_reached_at", "scores_queued_at", "sync_queued_at", "synced_at",
    "sync_cursor_at", "updated_at",
)  # fmt: skip


def trigger(*ignored: str) -> str:
    """The trigger of migration 0025, for all columns but these."""
    names = ", ".join(f"'{name}'" for name in ignored)
    return f"""
DROP TRIGGER project_change_is_told ON registry_project;
CREATE TRIGGER project_change_is_told AFTER UPDATE ON registry_project
    FOR EACH ROW
    WHEN ((to_jsonb(OLD) - ARRAY[{names}]) IS DISTINCT FROM (to_jsonb(NEW) - ARRAY[{names}]))
    EXECUTE FUNCTION registry_tell_change('project', 'id');
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0029_hashed_tokens")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="events_queued_at",
            field=models.DateTimeField(
                blank=True,
                null=True,
                help_text="When processing of its events was queued; null: it has begun.",
            ),
        ),
        migrations.RunSQL(trigger(*_PROGRESS, "events_queued_at"), trigger(*_PROGRESS)),
    ]
