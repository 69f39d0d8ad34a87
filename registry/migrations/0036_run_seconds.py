"""Counts runs and their seconds by an index, for Prometheus."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0035_label_next_by_margin")]

    operations = [
        migrations.AddIndex(
            model_name="trainingrun",
            index=models.Index(
                fields=["kind", "state"],
                include=["id", "started_at", "ended_at"],
                name="run_seconds",
            ),
        ),
    ]
