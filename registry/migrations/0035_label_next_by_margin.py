"""Orders the tasks to label next by margin. Until they are scored anew, their score is taken."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0034_fill_classes")]

    operations = [
        migrations.AddField(
            model_name="taskscore",
            name="margin",
            field=models.FloatField(
                help_text="The least margin of its targets' predictions, 0 to 1.", null=True
            ),
        ),
        migrations.AddField(
            model_name="taskscore",
            name="place",
            field=models.FloatField(
                help_text="What orders the tasks to label next, lowest first: the margin, or that "
                "of another task where this one was drawn at random.",
                null=True,
            ),
        ),
        migrations.RunSQL(
            "UPDATE registry_taskscore SET margin = score, place = score",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveIndex(model_name="taskscore", name="task_score_lowest"),
        migrations.AddIndex(
            model_name="taskscore",
            index=models.Index(
                condition=models.Q(("place__isnull", False)),
                fields=["version", "place", "task"],
                name="task_score_first",
            ),
        ),
    ]
