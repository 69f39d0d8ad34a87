"""Names the pipeline of each target: until now that of its version."""

from django.db import migrations, models

TARGETS = """
UPDATE registry_target AS target SET pipeline = version.pipeline
FROM registry_modelversion AS version WHERE version.id = target.version_id;
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0025_change_notices")]

    operations = [
        migrations.AddField(
            model_name="target",
            name="pipeline",
            field=models.CharField(
                default="", help_text="The name of what fills it.", max_length=64
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(TARGETS, migrations.RunSQL.noop),
    ]
