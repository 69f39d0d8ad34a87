"""The features of pictures, what versions see them with, and the pictures that show a label."""

import django.db.models.deletion
from django.db import migrations, models


# As 0002_append_only has it, with the two new columns.
IMMUTABLE = """
DROP TRIGGER version_is_immutable ON registry_modelversion;
CREATE TRIGGER version_is_immutable BEFORE UPDATE ON registry_modelversion
    FOR EACH ROW
    WHEN ((OLD.project_id, OLD.number, OLD.label, OLD.run_id, OLD.pipeline, OLD.recipe,
           OLD.fingerprint, OLD.artifact, OLD.artifact_bytes, OLD.artifact_sha256,
           OLD.environment, OLD.created_at{more_old})
          IS DISTINCT FROM
          (NEW.project_id, NEW.number, NEW.label, NEW.run_id, NEW.pipeline, NEW.recipe,
           NEW.fingerprint, NEW.artifact, NEW.artifact_bytes, NEW.artifact_sha256,
           NEW.environment, NEW.created_at{more_new}))
    EXECUTE FUNCTION registry_refuse_other_version();
"""
NOW = IMMUTABLE.format(
    more_old=", OLD.extractor, OLD.primary_metric", more_new=", NEW.extractor, NEW.primary_metric"
)
BEFORE = IMMUTABLE.format(more_old="", more_new="")


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0007_champion_moves'),
    ]

    operations = [
        migrations.CreateModel(
            name='Exemplar',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('target', models.CharField(max_length=255)),
                ('label', models.CharField(max_length=500)),
                ('score', models.FloatField()),
            ],
        ),
        migrations.CreateModel(
            name='Feature',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('extractor', models.CharField(max_length=255)),
                ('address', models.CharField(max_length=64)),
                ('content', models.CharField(max_length=64)),
                ('vector', models.BinaryField(help_text='float32, little-endian.')),
                ('seen_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name='modelversion',
            name='extractor',
            field=models.CharField(blank=True, help_text='What makes features of its pictures, with its version and weights.', max_length=255),
        ),
        migrations.AddField(
            model_name='modelversion',
            name='primary_metric',
            field=models.CharField(default='macro_f1', help_text='What the metric `primary` is the mean of.', max_length=64),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['project', 'created_at'], name='task_created'),
        ),
        migrations.AddField(
            model_name='exemplar',
            name='task',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registry.task'),
        ),
        migrations.AddField(
            model_name='exemplar',
            name='version',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='exemplars', to='registry.modelversion'),
        ),
        migrations.AddField(
            model_name='feature',
            name='project',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registry.project'),
        ),
        migrations.AddField(
            model_name='feature',
            name='task',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='features', to='registry.task'),
        ),
        migrations.AddIndex(
            model_name='exemplar',
            index=models.Index(fields=['version', 'target', 'label', '-score'], name='exemplar_best_first'),
        ),
        migrations.AddConstraint(
            model_name='exemplar',
            constraint=models.UniqueConstraint(fields=('version', 'target', 'label', 'task'), name='exemplar_once'),
        ),
        migrations.AddIndex(
            model_name='feature',
            index=models.Index(fields=['project', 'extractor', 'content'], name='feature_of_content'),
        ),
        migrations.AddIndex(
            model_name='feature',
            index=models.Index(fields=['project', 'extractor', 'id'], name='feature_of_project'),
        ),
        migrations.AddConstraint(
            model_name='feature',
            constraint=models.UniqueConstraint(fields=('project', 'extractor', 'address', 'task'), name='feature_once'),
        ),
        migrations.RunSQL(NOW, BEFORE),
    ]
