"""The tab of tasks to label next in Label Studio, and which tasks were picked for it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0040_archived_projects")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="label_next_tab",
            field=models.BigIntegerField(
                blank=True,
                help_text="Label Studio's id of its tab with the tasks to label next.",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="PickedTask",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at_random",
                    models.BooleanField(help_text="Drawn at random, whatever its margin."),
                ),
                ("picked_at", models.DateTimeField(auto_now_add=True)),
                (
                    "task",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="picked",
                        to="registry.task",
                    ),
                ),
            ],
        ),
    ]
