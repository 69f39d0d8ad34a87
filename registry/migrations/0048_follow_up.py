"""A start that comes after a run has frozen its labels, which the next run carries out."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0047_decision")]

    operations = [
        migrations.AddField(
            model_name="trainingrun",
            name="follow_up",
            field=models.JSONField(
                blank=True,
                help_text="{trigger, actor, reason} of a start that this run has too old labels for: "
                "the next run is queued when this one ends.",
                null=True,
            ),
        ),
    ]
