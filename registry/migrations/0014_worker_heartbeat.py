"""Calls the time of a worker's last heartbeat by its name."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("registry", "0013_audit_entries")]

    operations = [
        migrations.RenameField("worker", "seen_at", "heartbeat_at"),
    ]
