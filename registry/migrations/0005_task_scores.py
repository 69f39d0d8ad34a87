"""How sure champions are of unlabelled tasks, and the indexes that reports over time go by."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("registry", "0004_groups")]

    operations = [
        migrations.CreateModel(
            name="TaskScore",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "score",
                    models.FloatField(help_text="Null: it cannot be predicted.", null=True),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="task_scores",
                        to="registry.modelversion",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scores",
                        to="registry.task",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["version", "task"], name="task_score_once")
                ],
                "indexes": [
                    models.Index(
                        fields=["version", "score", "task"],
                        condition=Q(score__isnull=False),
                        name="task_score_least_sure",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="project",
            name="scores_queued_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Since when the champion is scoring unlabelled tasks, or is about to.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                fields=["project", "id"],
                condition=Q(annotation_ids=[], deleted_at__isnull=True),
                name="task_unlabelled",
            ),
        ),
        migrations.AddIndex(
            model_name="outcome",
            index=models.Index(
                fields=["version", "at"],
                include=["correct"],
                condition=Q(source="prequential"),
                name="outcome_prequential_of",
            ),
        ),
        migrations.AddIndex(
            model_name="outcome",
            index=models.Index(
                fields=["at"],
                include=["version", "correct"],
                condition=Q(source="prequential"),
                name="outcome_prequential_at",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                fields=["received_at"], include=["project"], name="event_received"
            ),
        ),
        migrations.AddIndex(
            model_name="trainingrun",
            index=models.Index(fields=["project", "-id"], name="run_of_project"),
        ),
    ]
