"""Makes room for the names of several pipelines, of a project and of a version."""

from django.db import migrations, models

# PostgreSQL does not change the type of a column that a trigger reads.
DROP = "DROP TRIGGER version_is_immutable ON registry_modelversion"
CREATE = """
CREATE TRIGGER version_is_immutable BEFORE UPDATE ON registry_modelversion
    FOR EACH ROW
    WHEN ((OLD.project_id, OLD.number, OLD.label, OLD.run_id, OLD.pipeline, OLD.recipe,
           OLD.fingerprint, OLD.artifact, OLD.artifact_bytes, OLD.artifact_sha256,
           OLD.environment, OLD.created_at, OLD.extractor, OLD.primary_metric,
           OLD.primary_value, OLD.primary_n, OLD.primary_baseline, OLD.artifact_format)
          IS DISTINCT FROM
          (NEW.project_id, NEW.number, NEW.label, NEW.run_id, NEW.pipeline, NEW.recipe,
           NEW.fingerprint, NEW.artifact, NEW.artifact_bytes, NEW.artifact_sha256,
           NEW.environment, NEW.created_at, NEW.extractor, NEW.primary_metric,
           NEW.primary_value, NEW.primary_n, NEW.primary_baseline, NEW.artifact_format))
    EXECUTE FUNCTION registry_refuse_other_version();
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0026_target_pipeline")]

    operations = [
        migrations.RunSQL(DROP, CREATE),
        migrations.AlterField(
            model_name="modelversion",
            name="pipeline",
            field=models.CharField(
                help_text="Those of its targets, with commas.", max_length=255
            ),
        ),
        migrations.RunSQL(CREATE, DROP),
        migrations.AlterField(
            model_name="project",
            name="pipeline",
            field=models.CharField(
                blank=True,
                help_text="Those of its targets, with commas. "
                "Empty: no pipeline serves the label config.",
                max_length=255,
            ),
        ),
    ]
