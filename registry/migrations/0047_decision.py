"""How a target of a version decides between its labels."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0046_version_tags")]

    operations = [
        migrations.AddField(
            model_name="target",
            name="decision",
            field=models.TextField(
                blank=True,
                default="",
                help_text="How one of the labels is predicted where it is not the likeliest.",
            ),
            preserve_default=False,
        ),
    ]
