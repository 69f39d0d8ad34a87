"""Calls fields and indexes by what they hold."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0014_worker_heartbeat")]

    operations = [
        migrations.RenameField("event", "settled_at", "processed_at"),
        migrations.RenameField("feature", "seen_at", "extracted_at"),
        migrations.RenameField("project", "seen_updated_at", "sync_cursor_at"),
        migrations.RenameField("task", "answered", "labelled_controls"),
        migrations.AlterField(
            model_name="task",
            name="labelled_controls",
            field=ArrayField(
                models.CharField(max_length=255),
                blank=True,
                default=list,
                help_text="Controls that have had a human label: the first gives one prequential "
                "outcome.",
                size=None,
            ),
        ),
        migrations.RenameIndex("event", "event_to_process", old_name="event_to_settle"),
        migrations.RenameIndex("event", "event_to_purge", old_name="event_to_forget"),
    ]
