"""Lets an event be a refused request, and finds those of the last day."""

from django.db import migrations, models

from registry.migration_operations import AddIndexBeside


class Migration(migrations.Migration):
    atomic = False  # its index is added beside inserts
    dependencies = [
        ("registry", "0021_label_types"),
    ]

    operations = [
        migrations.AlterField(
            model_name="event",
            name="source",
            field=models.CharField(
                choices=[
                    ("setup", "POST /setup"),
                    ("webhook", "Webhook"),
                    ("train", "POST /train"),
                    ("predict", "tasks without a prediction"),
                    ("refused", "refused request"),
                ],
                default="webhook",
                max_length=8,
            ),
        ),
        AddIndexBeside(
            model_name="event",
            index=models.Index(
                condition=models.Q(("source", "refused")),
                fields=["received_at"],
                name="event_refused",
            ),
        ),
    ]
