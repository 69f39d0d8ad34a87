"""Deleted ids in a table of their own, filled with those of the last events."""

import django.db.models.deletion
from django.db import migrations, models

# As far as deletions were looked for in the events themselves.
_LOOKED_AT = 200


def fill(apps, schema_editor):
    """Deletions that have been applied; a waiting one is kept when it is applied."""
    Event, Tombstone = (apps.get_model("registry", name) for name in ("Event", "Tombstone"))
    # Each event that waits looked so far back from itself.
    waiting = Event.objects.filter(status="received").aggregate(first=models.Min("id"))["first"]
    newest = Event.objects.aggregate(newest=models.Max("id"))["newest"] or 0
    deletions = Event.objects.filter(
        id__gt=(waiting or newest) - _LOOKED_AT,
        project__isnull=False,
        action__iregex=r"^(task|annotation)s?_deleted$",
    ).exclude(status="received")
    found = {}
    for event in deletions.order_by("id"):
        kind = "task" if event.action.upper().startswith("TASK") else "annotation"
        for number in _ids(event.payload, kind):
            found[event.project_id, kind, number] = event.received_at
    Tombstone.objects.bulk_create(
        [
            Tombstone(project_id=project, kind=kind, labelstudio_id=number, deleted_at=at)
            for (project, kind, number), at in found.items()
        ],
        batch_size=1_000,
    )


def _ids(payload, kind):
    """`{"tasks": [{"id": 1}, 2]}`, or one of them, or `task`."""
    names = (f"{kind}s", kind)
    value = next((payload[name] for name in names if payload.get(name) is not None), [])
    items = value if isinstance(value, list) else [value]
    ids = [item.get("id") if isinstance(item, dict) else item for item in items]
    return [i for i in ids if type(i) is int and 0 <= i < 2**63]


class Migration(migrations.Migration):
    dependencies = [("registry", "0010_primary_values")]

    operations = [
        migrations.CreateModel(
            name="Tombstone",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("task", "Task"), ("annotation", "Annotation")], max_length=10
                    ),
                ),
                ("labelstudio_id", models.BigIntegerField()),
                (
                    "deleted_at",
                    models.DateTimeField(
                        help_text="When the last event that said so was received."
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="registry.project",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="tombstone",
            constraint=models.UniqueConstraint(
                fields=("project", "kind", "labelstudio_id"), name="tombstone_once"
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
