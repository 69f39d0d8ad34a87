"""The format of each version's artifact, and artifacts that were converted to a later one.

What is there already has format 1, and what is registered from now on format 2.
"""

import django.db.models.deletion
from django.db import migrations, models

# As 0010_primary_values has it, with the new column.
IMMUTABLE = """
DROP TRIGGER version_is_immutable ON registry_modelversion;
CREATE TRIGGER version_is_immutable BEFORE UPDATE ON registry_modelversion
    FOR EACH ROW
    WHEN ((OLD.project_id, OLD.number, OLD.label, OLD.run_id, OLD.pipeline, OLD.recipe,
           OLD.fingerprint, OLD.artifact, OLD.artifact_bytes, OLD.artifact_sha256,
           OLD.environment, OLD.created_at, OLD.extractor, OLD.primary_metric,
           OLD.primary_value, OLD.primary_n, OLD.primary_baseline{more_old})
          IS DISTINCT FROM
          (NEW.project_id, NEW.number, NEW.label, NEW.run_id, NEW.pipeline, NEW.recipe,
           NEW.fingerprint, NEW.artifact, NEW.artifact_bytes, NEW.artifact_sha256,
           NEW.environment, NEW.created_at, NEW.extractor, NEW.primary_metric,
           NEW.primary_value, NEW.primary_n, NEW.primary_baseline{more_new}))
    EXECUTE FUNCTION registry_refuse_other_version();
"""
NOW = IMMUTABLE.format(more_old=", OLD.artifact_format", more_new=", NEW.artifact_format")
BEFORE = IMMUTABLE.format(more_old="", more_new="")
APPEND_ONLY = """
CREATE TRIGGER converted_artifact_is_append_only
    BEFORE UPDATE OR DELETE ON registry_convertedartifact
    FOR EACH ROW EXECUTE FUNCTION registry_refuse_change();
"""
NOT_APPEND_ONLY = """
DROP TRIGGER converted_artifact_is_append_only ON registry_convertedartifact;
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0011_tombstones")]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="artifact_format",
            field=models.PositiveSmallIntegerField(
                default=1, help_text="Of the file; format 1 is loaded once it is converted."
            ),
        ),
        migrations.AlterField(
            model_name="modelversion",
            name="artifact_format",
            field=models.PositiveSmallIntegerField(
                default=2, help_text="Of the file; format 1 is loaded once it is converted."
            ),
        ),
        migrations.AlterField(
            model_name="trainingrun",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("start_training", "Start Training in Label Studio"),
                    ("policy", "the policy"),
                    ("config", "the label config changed"),
                    ("train_route", "POST /train"),
                    ("admin", "the admin"),
                    ("command", "manage.py train"),
                    ("api", "REST"),
                    ("retry", "queued again"),
                    ("format", "the artifact has an old format"),
                ],
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="ConvertedArtifact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "artifact",
                    models.CharField(help_text="Key in the artifact store.", max_length=255),
                ),
                ("bytes", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("artifact_format", models.PositiveSmallIntegerField(default=2)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="converted_artifact",
                        to="registry.modelversion",
                    ),
                ),
            ],
            options={"ordering": ["id"]},
        ),
        migrations.RunSQL(NOW, BEFORE),
        migrations.RunSQL(APPEND_ONLY, NOT_APPEND_ONLY),
    ]
