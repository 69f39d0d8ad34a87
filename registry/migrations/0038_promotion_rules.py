"""Names the default promotion rule by what it does: it promotes what is at least as good."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0037_run_same_as")]

    operations = [
        migrations.AlterField(
            model_name="project",
            name="promotion_rule",
            field=models.CharField(
                choices=[
                    ("if_at_least_as_good", "if at least as good as the champion"),
                    ("if_clearly_better", "if clearly better than the champion"),
                    ("always", "always"),
                    ("never", "never (by hand only)"),
                ],
                default="if_at_least_as_good",
                max_length=32,
            ),
        ),
        migrations.RunSQL(
            "UPDATE registry_project SET promotion_rule = 'if_at_least_as_good' "
            "WHERE promotion_rule = 'if_better'",
            "UPDATE registry_project SET promotion_rule = 'if_better' "
            "WHERE promotion_rule = 'if_at_least_as_good'",
        ),
    ]
