"""Runs have a kind, and a project one active run of each (`registry.models.run.RunKind`)."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0030_events_queued_at'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='trainingrun',
            name='run_one_active_per_project',
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='kind',
            field=models.CharField(choices=[('training', 'Training'), ('challenger', 'Challenger')], default='training', max_length=12),
        ),
        migrations.AlterField(
            model_name='trainingrun',
            name='trigger',
            field=models.CharField(choices=[('start_training', 'Start Training in Label Studio'), ('policy', 'training policy'), ('config', 'label config changed'), ('train_route', 'POST /train'), ('admin', 'admin'), ('command', 'manage.py train'), ('api', 'REST'), ('retry', 'retry'), ('format', 'old artifact format'), ('challenger', 'challenger of a new version')], max_length=16),
        ),
        migrations.AddIndex(
            model_name='trainingrun',
            index=models.Index(fields=['kind', '-id'], name='run_by_kind'),
        ),
        migrations.AddConstraint(
            model_name='trainingrun',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['queued', 'running'])), fields=('project', 'kind'), name='run_one_active_per_kind'),
        ),
    ]
