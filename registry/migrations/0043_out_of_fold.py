"""Outcomes of training tasks, predicted by estimators that had not seen them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0042_webhooks")]

    operations = [
        migrations.AlterField(
            model_name="outcome",
            name="source",
            field=models.CharField(
                choices=[
                    ("holdout", "evaluated on the holdout"),
                    ("out_of_fold", "predicted out of fold"),
                    ("prequential", "predicted before the human label"),
                    ("shown", "pre-annotation, accepted or corrected"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="trainingrun",
            name="comparison",
            field=models.JSONField(
                blank=True, default=dict, help_text="Candidate and champion on the same tasks."
            ),
        ),
    ]
