"""Permissions for the acts, and the groups viewer, lead and admin that hold them."""

from django.db import migrations

from registry.permissions import grant


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("authtoken", "0004_alter_tokenproxy_options"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
        ("registry", "0003_project_knows_password"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="accesskey",
            options={"permissions": [("revoke_accesskey", "Can revoke an access key")]},
        ),
        migrations.AlterModelOptions(
            name="modelversion",
            options={
                "ordering": ["-number"],
                "permissions": [
                    (
                        "promote_modelversion",
                        "Can promote a version, and let one serve that did not load",
                    ),
                    ("archive_modelversion", "Can archive a version, and take it out again"),
                    ("note_modelversion", "Can write a version's note"),
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="project",
            options={
                "ordering": ["-created_at"],
                "permissions": [
                    ("train_project", "Can train a project, cancel its runs and try them again"),
                    ("roll_back_project", "Can roll a project back to an earlier version"),
                    ("check_project", "Can check a project's connection"),
                    ("configure_project", "Can change how a project learns and promotes"),
                    ("connect_project", "Can set a project's credentials and confirm its host"),
                ],
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop, elidable=False),
    ]
