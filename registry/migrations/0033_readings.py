"""Lets Label Studio be read page by page while events are applied."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0032_queue_ring")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="reading",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="How far a reading of Label Studio is that has not ended; empty without "
                "one.",
            ),
        ),
        migrations.AddField(
            model_name="task",
            name="event_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When an event last changed it; null once it was read from Label Studio "
                "since.",
                null=True,
            ),
        ),
    ]
