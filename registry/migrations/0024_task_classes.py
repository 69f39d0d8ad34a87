"""Stores the classes of labels beside tasks and outcomes; 0034_fill_classes fills and finds them."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("registry", "0023_label_renames")]

    operations = [
        migrations.AddField(
            model_name="task",
            name="classes",
            field=ArrayField(
                models.TextField(),
                blank=True,
                default=list,
                help_text="The classes of its labels: control=label.",
            ),
        ),
        migrations.AddField(
            model_name="outcome",
            name="human_classes",
            field=ArrayField(
                models.TextField(), default=list, help_text="The classes in the human label."
            ),
        ),
        migrations.AddField(
            model_name="outcome",
            name="predicted_classes",
            field=ArrayField(
                models.TextField(),
                null=True,
                help_text="The classes in the prediction; null: there was none.",
            ),
        ),
        migrations.RemoveIndex(model_name="task", name="task_labels"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    model_name="task", index=GinIndex(fields=["classes"], name="task_classes")
                ),
            ]
        ),
    ]
