"""Calls what a target's values are by the name of their label type."""

from django.db import migrations, models

# A version's row does not tell a Taxonomy's or TextArea's target from that of Choices: its values
# are labels as those are.
RENAME = """
UPDATE registry_target
SET kind = CASE kind WHEN 'single' THEN 'choice' WHEN 'multiple' THEN 'choices' ELSE kind END;
"""
BACK = """
UPDATE registry_target
SET kind = CASE WHEN kind IN ('choices', 'taxonomy') THEN 'multiple' ELSE 'single' END;
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0020_data_outdated")]

    operations = [
        migrations.AlterField(
            model_name="target",
            name="kind",
            field=models.CharField(help_text="The label type of its values.", max_length=32),
        ),
        migrations.RunSQL(RENAME, BACK),
    ]
