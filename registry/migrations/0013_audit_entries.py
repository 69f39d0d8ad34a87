"""Calls an act an audit entry: the table, its indexes and trigger, and who may look at it."""

import django.db.models.deletion
from django.db import migrations, models

INDEXES = ("by_actor", "by_verb", "moves_champion", "newest_of_project", "of_project")
TRIGGER = "ALTER TRIGGER {0}_is_append_only ON {1} RENAME TO {2}_is_append_only"


def rename_permissions(apps, schema_editor):
    """The rows keep their ids, so whoever holds a permission, by a group or alone, still does."""
    _rename(apps, "act", "auditentry", "audit entry")


def rename_permissions_back(apps, schema_editor):
    _rename(apps, "auditentry", "act", "act")


def _rename(apps, old, new, words):
    ContentType = apps.get_model("contenttypes", "ContentType")
    Permission = apps.get_model("auth", "Permission")
    # Django renames the row of the content type itself, but only within the command `migrate`.
    if not ContentType.objects.filter(app_label="registry", model=new).exists():
        ContentType.objects.filter(app_label="registry", model=old).update(model=new)
    permissions = Permission.objects.filter(content_type__app_label="registry")
    for verb in ("add", "change", "delete", "view"):
        permissions.filter(content_type__model=new, codename=f"{verb}_{old}").update(
            codename=f"{verb}_{new}", name=f"Can {verb} {words}"
        )


class Migration(migrations.Migration):
    dependencies = [("registry", "0012_artifact_format")]

    operations = [
        migrations.RenameModel("Act", "AuditEntry"),
        migrations.AlterModelOptions(
            name="auditentry",
            options={"ordering": ["-id"], "verbose_name_plural": "audit entries"},
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="project",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="audit_entries",
                to="registry.project",
            ),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="version",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="audit_entries",
                to="registry.modelversion",
            ),
        ),
        *(
            migrations.RenameIndex(
                model_name="auditentry", old_name=f"act_{name}", new_name=f"audit_{name}"
            )
            for name in INDEXES
        ),
        migrations.RunSQL(
            TRIGGER.format("act", "registry_auditentry", "audit_entry"),
            TRIGGER.format("audit_entry", "registry_auditentry", "act"),
        ),
        migrations.RunPython(rename_permissions, rename_permissions_back),
    ]
