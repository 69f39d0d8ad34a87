"""Stores on each version the 95 % interval of its primary value; earlier versions have none."""

from django.db import migrations, models

# As 0027_several_pipelines has it, with the two new columns.
TRIGGER = """
DROP TRIGGER version_is_immutable ON registry_modelversion;
CREATE TRIGGER version_is_immutable BEFORE UPDATE ON registry_modelversion
    FOR EACH ROW
    WHEN ((OLD.project_id, OLD.number, OLD.label, OLD.run_id, OLD.pipeline, OLD.recipe,
           OLD.fingerprint, OLD.artifact, OLD.artifact_bytes, OLD.artifact_sha256,
           OLD.environment, OLD.created_at, OLD.extractor, OLD.primary_metric,
           OLD.primary_value, OLD.primary_n, OLD.primary_baseline, OLD.artifact_format{more_old})
          IS DISTINCT FROM
          (NEW.project_id, NEW.number, NEW.label, NEW.run_id, NEW.pipeline, NEW.recipe,
           NEW.fingerprint, NEW.artifact, NEW.artifact_bytes, NEW.artifact_sha256,
           NEW.environment, NEW.created_at, NEW.extractor, NEW.primary_metric,
           NEW.primary_value, NEW.primary_n, NEW.primary_baseline, NEW.artifact_format{more_new}))
    EXECUTE FUNCTION registry_refuse_other_version();
"""
NOW = TRIGGER.format(
    more_old=", OLD.primary_low, OLD.primary_high", more_new=", NEW.primary_low, NEW.primary_high"
)
BEFORE = TRIGGER.format(more_old="", more_new="")


class Migration(migrations.Migration):
    dependencies = [("registry", "0038_promotion_rules")]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="primary_low",
            field=models.FloatField(
                help_text="The lower end of its 95 % interval; null: none is known.", null=True
            ),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="primary_high",
            field=models.FloatField(help_text="The upper end of that interval.", null=True),
        ),
        migrations.RunSQL(NOW, BEFORE),
    ]
