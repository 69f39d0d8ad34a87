"""Runs that have found the champion again name it (`registry.same_content`)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0036_run_seconds")]

    operations = [
        migrations.AddField(
            model_name="trainingrun",
            name="same_as",
            field=models.ForeignKey(
                blank=True,
                help_text="The champion whose content it has found again; it made no version.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="registry.modelversion",
            ),
        ),
    ]
