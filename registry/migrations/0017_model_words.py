"""Words of help texts, labels of choices, an index and a clause of the promotion rule.

The clause stands in the numbers of audit entries, so the trigger that holds them append-only is
off for their update, within the migration's transaction.
"""

from django.db import migrations, models

CLAUSE = """
ALTER TABLE registry_auditentry DISABLE TRIGGER audit_entry_is_append_only;
UPDATE registry_auditentry SET numbers = jsonb_set(numbers, '{{clause}}', '"{new}"')
    WHERE numbers ->> 'clause' = '{old}';
ALTER TABLE registry_auditentry ENABLE TRIGGER audit_entry_is_append_only;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0016_image_words'),
    ]

    operations = [
        migrations.RunSQL(
            CLAUSE.format(old="not_judged", new="not_evaluated"),
            CLAUSE.format(old="not_evaluated", new="not_judged"),
        ),
        migrations.RenameIndex(
            model_name='taskscore',
            new_name='task_score_lowest',
            old_name='task_score_least_sure',
        ),
        migrations.AlterField(
            model_name='event',
            name='outcome',
            field=models.TextField(blank=True, help_text='The result of processing it, in one sentence.'),
        ),
        migrations.AlterField(
            model_name='event',
            name='source',
            field=models.CharField(choices=[('setup', 'POST /setup'), ('webhook', 'Webhook'), ('train', 'POST /train'), ('predict', 'tasks without a prediction')], default='webhook', max_length=8),
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='artifact_format',
            field=models.PositiveSmallIntegerField(default=2, help_text='Format of the file; format 1 is converted before it is loaded.'),
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='extractor',
            field=models.CharField(blank=True, help_text="The extractor of its images' features, with version and weights.", max_length=255),
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='fingerprint',
            field=models.CharField(help_text='SHA-256 of the targets and labels of its label config.', max_length=64),
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='primary_baseline',
            field=models.FloatField(help_text='The baseline of the primary value; null: none is known.', null=True),
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='primary_metric',
            field=models.CharField(default='macro_f1', help_text='The metric whose mean over targets is `primary`.', max_length=64),
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='primary_n',
            field=models.IntegerField(default=0, help_text='Holdout tasks behind the primary value.'),
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='primary_value',
            field=models.FloatField(help_text='The metric `primary` on the holdout; null: not evaluated.', null=True),
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='recipe',
            field=models.CharField(help_text='The algorithm that was selected.', max_length=64),
        ),
        migrations.AlterField(
            model_name='outcome',
            name='at',
            field=models.DateTimeField(help_text='When it was evaluated, or when the human label arrived.'),
        ),
        migrations.AlterField(
            model_name='outcome',
            name='source',
            field=models.CharField(choices=[('holdout', 'evaluated on the holdout'), ('prequential', 'predicted before the human label'), ('shown', 'pre-annotation, accepted or corrected')], max_length=12),
        ),
        migrations.AlterField(
            model_name='project',
            name='backend_url',
            field=models.CharField(blank=True, help_text='Our URL in Label Studio, without the access key.', max_length=500),
        ),
        migrations.AlterField(
            model_name='project',
            name='connection',
            field=models.JSONField(blank=True, default=dict, help_text='The last check: its steps, the failed one and the cure.'),
        ),
        migrations.AlterField(
            model_name='project',
            name='control_since',
            field=models.JSONField(blank=True, default=dict, help_text='When controls were added to the label config: earlier annotations have no labels for them.'),
        ),
        migrations.AlterField(
            model_name='project',
            name='hostname',
            field=models.CharField(blank=True, help_text='Host of Label Studio, of the first setup.', max_length=500),
        ),
        migrations.AlterField(
            model_name='project',
            name='hostname_confirmed',
            field=models.BooleanField(default=False, help_text='An operator allowed that the token is sent to this host.'),
        ),
        migrations.AlterField(
            model_name='project',
            name='knows_password',
            field=models.BooleanField(default=False, help_text='The host called /setup with BASIC_AUTH_USER and BASIC_AUTH_PASS, so its webhook may contain them.'),
        ),
        migrations.AlterField(
            model_name='project',
            name='labels_changed_at',
            field=models.DateTimeField(blank=True, help_text='When a usable label last changed.', null=True),
        ),
        migrations.AlterField(
            model_name='project',
            name='other_hostname',
            field=models.CharField(blank=True, help_text='Another host that later sent a setup.', max_length=500),
        ),
        migrations.AlterField(
            model_name='project',
            name='pipeline',
            field=models.CharField(blank=True, help_text='Empty: no pipeline serves the label config.', max_length=64),
        ),
        migrations.AlterField(
            model_name='project',
            name='scores_queued_at',
            field=models.DateTimeField(blank=True, help_text='When scoring unlabelled tasks was queued; null: it is finished.', null=True),
        ),
        migrations.AlterField(
            model_name='project',
            name='threshold_reached_at',
            field=models.DateTimeField(blank=True, help_text="When the policy's threshold was reached; null: not reached.", null=True),
        ),
        migrations.AlterField(
            model_name='target',
            name='labels',
            field=models.JSONField(default=list, help_text="The labels it learned, in the estimator's order."),
        ),
        migrations.AlterField(
            model_name='taskscore',
            name='score',
            field=models.FloatField(help_text='Null: without a prediction.', null=True),
        ),
        migrations.AlterField(
            model_name='tombstone',
            name='deleted_at',
            field=models.DateTimeField(help_text='When the last event with this deletion was received.'),
        ),
        migrations.AlterField(
            model_name='trainingrun',
            name='comparison',
            field=models.JSONField(blank=True, default=dict, help_text='Candidate and champion on the same holdout.'),
        ),
        migrations.AlterField(
            model_name='trainingrun',
            name='snapshot_at',
            field=models.DateTimeField(blank=True, help_text='When the labels were read; later changes count for the next run.', null=True),
        ),
        migrations.AlterField(
            model_name='trainingrun',
            name='trigger',
            field=models.CharField(choices=[('start_training', 'Start Training in Label Studio'), ('policy', 'training policy'), ('config', 'label config changed'), ('train_route', 'POST /train'), ('admin', 'admin'), ('command', 'manage.py train'), ('api', 'REST'), ('retry', 'retry'), ('format', 'old artifact format')], max_length=16),
        ),
    ]
