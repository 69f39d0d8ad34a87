"""Stores on each version its primary value, the n behind it and the baseline: they never change."""

from django.db import migrations, models

# Of the metrics as they were recorded when the version was registered.
FILL = """
UPDATE registry_modelversion AS version
SET primary_value = metric.value, primary_n = metric.n, primary_baseline = (
    SELECT avg(baseline.value) FROM registry_metric AS baseline
    WHERE baseline.version_id = version.id AND baseline.split = 'holdout' AND baseline.label = ''
        AND baseline.name = CASE version.primary_metric
            WHEN 'accuracy' THEN 'baseline_accuracy'
            WHEN 'macro_f1' THEN 'baseline_macro_f1'
            WHEN 'micro_f1' THEN 'baseline_micro_f1'
            WHEN 'subset_accuracy' THEN 'baseline_subset_accuracy'
            WHEN 'precision_at_k' THEN 'baseline_precision_at_k'
            WHEN 'adjusted_rand' THEN 'baseline_adjusted_rand'
            WHEN 'ece' THEN 'ece_calibrated'
        END
        AND (baseline.step = 0 OR baseline.name = 'baseline_precision_at_k')
)
FROM registry_metric AS metric
WHERE metric.version_id = version.id AND metric.name = 'primary' AND metric.target = ''
    AND metric.split = 'holdout' AND metric.label = '' AND metric.step = 0;
"""

# As 0008_pictures has it, with the three new columns.
IMMUTABLE = """
DROP TRIGGER version_is_immutable ON registry_modelversion;
CREATE TRIGGER version_is_immutable BEFORE UPDATE ON registry_modelversion
    FOR EACH ROW
    WHEN ((OLD.project_id, OLD.number, OLD.label, OLD.run_id, OLD.pipeline, OLD.recipe,
           OLD.fingerprint, OLD.artifact, OLD.artifact_bytes, OLD.artifact_sha256,
           OLD.environment, OLD.created_at, OLD.extractor, OLD.primary_metric{more_old})
          IS DISTINCT FROM
          (NEW.project_id, NEW.number, NEW.label, NEW.run_id, NEW.pipeline, NEW.recipe,
           NEW.fingerprint, NEW.artifact, NEW.artifact_bytes, NEW.artifact_sha256,
           NEW.environment, NEW.created_at, NEW.extractor, NEW.primary_metric{more_new}))
    EXECUTE FUNCTION registry_refuse_other_version();
"""
NOW = IMMUTABLE.format(
    more_old=", OLD.primary_value, OLD.primary_n, OLD.primary_baseline",
    more_new=", NEW.primary_value, NEW.primary_n, NEW.primary_baseline",
)
BEFORE = IMMUTABLE.format(more_old="", more_new="")


class Migration(migrations.Migration):
    dependencies = [("registry", "0009_task_of_project")]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="primary_value",
            field=models.FloatField(
                help_text="The metric `primary` of the whole version; null: not evaluated.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="primary_n",
            field=models.IntegerField(
                default=0, help_text="Examples behind the primary value."
            ),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="primary_baseline",
            field=models.FloatField(
                help_text="What a version that learns nothing would score; null: none is known.",
                null=True,
            ),
        ),
        # The trigger does not name the new columns yet, so it lets them be filled.
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(NOW, BEFORE),
    ]
