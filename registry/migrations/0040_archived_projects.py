"""Projects can be archived, by the groups that `registry.permissions` names."""

from django.db import migrations, models

from registry.permissions import grant_later


class Migration(migrations.Migration):
    dependencies = [("registry", "0039_primary_intervals")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="archived_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Since then it neither trains by itself nor is it read.",
                null=True,
            ),
        ),
        migrations.AlterModelOptions(
            name="project",
            options={
                "ordering": ["-created_at"],
                "permissions": [
                    ("train_project", "Can train a project, cancel its runs and try them again"),
                    ("archive_project", "Can archive a project, and take it out again"),
                    ("roll_back_project", "Can roll a project back to an earlier version"),
                    ("check_project", "Can check a project's connection"),
                    ("configure_project", "Can change how a project learns and promotes"),
                    ("connect_project", "Can set a project's credentials and confirm its host"),
                    (
                        "call_routes_project",
                        "Can call all of Label Studio's routes, as a key without a scope",
                    ),
                ],
            },
        ),
        migrations.RunPython(
            grant_later("registry.archive_project"), migrations.RunPython.noop, elidable=False
        ),
    ]
