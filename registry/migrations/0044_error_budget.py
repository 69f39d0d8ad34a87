"""The share of wrong predictions that a project accepts unseen."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0043_out_of_fold")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="error_budget",
            field=models.FloatField(
                default=0.05,
                help_text="The share of wrong predictions that may be accepted unseen: "
                "0.05 is 5 %.",
            ),
        ),
    ]
