"""Webhooks that are sent, their deliveries, and what is noticed once for them."""

import django.contrib.postgres.fields
import django.db.models.deletion
import registry.models.fields
import uuid
from django.db import migrations, models

from registry.permissions import grant_later


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0041_label_next_tab'),
    ]

    operations = [
        migrations.AddField(
            model_name='project',
            name='accuracy_dropped_at',
            field=models.DateTimeField(blank=True, help_text='When a drop of the accuracy on new labels was noticed; null: there is none.', null=True),
        ),
        migrations.AddField(
            model_name='worker',
            name='silent_at',
            field=models.DateTimeField(blank=True, help_text='When its silence was noticed; null: it is seen.', null=True),
        ),
        # Those that were stopped before are known to be away.
        migrations.RunSQL(
            "UPDATE registry_worker SET silent_at = heartbeat_at", migrations.RunSQL.noop
        ),
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('url', registry.models.fields.EncryptedTextField()),
                ('host', models.CharField(help_text='The host of its URL.', max_length=300)),
                ('format', models.CharField(choices=[('json', 'JSON'), ('slack', 'Slack'), ('teams', 'Microsoft Teams')], default='json', max_length=8)),
                ('topics', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('run_failed', 'a run failed'), ('version_promoted', 'a version serves that did not'), ('fell_back', 'the champion did not load'), ('metric_dropped', 'a metric dropped'), ('connection_lost', 'the connection to Label Studio is lost'), ('worker_silent', 'a worker is silent')], max_length=32), size=None)),
                ('secret', registry.models.fields.EncryptedTextField()),
                ('previous_secret', registry.models.fields.EncryptedTextField(blank=True)),
                ('previous_until', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('disabled_at', models.DateTimeField(blank=True, null=True)),
                ('project', models.ForeignKey(blank=True, help_text='Of this project only, and of what is of no project. Empty: of every project.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='webhooks', to='registry.project')),
            ],
            options={
                'permissions': [('manage_webhook', 'Can disable, enable and test a webhook, and replace its secret')],
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('topic', models.CharField(choices=[('run_failed', 'a run failed'), ('version_promoted', 'a version serves that did not'), ('fell_back', 'the champion did not load'), ('metric_dropped', 'a metric dropped'), ('connection_lost', 'the connection to Label Studio is lost'), ('worker_silent', 'a worker is silent'), ('test', 'a test')], max_length=32)),
                ('message', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('delivered', 'Delivered'), ('failed', 'given up')], default='pending', max_length=10)),
                ('attempts', models.JSONField(blank=True, default=list, help_text='[{at, status, error, seconds}]')),
                ('attempted', models.IntegerField(default=0, help_text='Attempts that were begun.')),
                ('due_at', models.DateTimeField(help_text='When it is attempted next, if it is pending.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('project', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registry.project')),
                ('webhook', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='registry.webhook')),
            ],
            options={
                'verbose_name_plural': 'webhook deliveries',
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('state', 'pending')), fields=['due_at'], name='delivery_due'), models.Index(fields=['webhook', '-id'], name='delivery_of_webhook'), models.Index(fields=['created_at'], name='delivery_created')],
            },
        ),
        migrations.RunPython(
            grant_later(
                'registry.view_webhook',
                'registry.add_webhook',
                'registry.manage_webhook',
                'registry.view_webhookdelivery',
            ),
            migrations.RunPython.noop,
            elidable=False,
        ),
    ]
