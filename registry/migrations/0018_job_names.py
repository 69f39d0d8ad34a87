"""The job that processes a project's events by its new name, where it waits and where it is done.

A waiting job is a signed pickle of django-q's. One that another secret signed cannot be read, by
django-q neither, and is left as it is.
"""

from django.db import migrations
from django_q.signing import BadSignature, SignedPackage

OLD, NEW = "mlapi.jobs.drain", "mlapi.jobs.process_events"


def _rename(apps, old, new):
    for job in apps.get_model("django_q", "OrmQ").objects.all():
        try:
            task = SignedPackage.loads(job.payload)
        except BadSignature:
            continue
        if task["func"] == old:
            job.payload = SignedPackage.dumps({**task, "func": new})
            job.save(update_fields=["payload"])
    apps.get_model("django_q", "Task").objects.filter(func=old).update(func=new)


def forwards(apps, schema_editor):
    _rename(apps, OLD, NEW)


def backwards(apps, schema_editor):
    _rename(apps, NEW, OLD)


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0017_model_words"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]
