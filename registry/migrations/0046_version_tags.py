"""Tags of versions, by which people find them."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0045_pretrained")]

    operations = [
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
                    ("note_modelversion", "Can write a version's note and tags"),
                ],
            },
        ),
        migrations.AddField(
            model_name="modelversion",
            name="tags",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=50),
                blank=True,
                default=list,
                help_text="Words by which people find it, sorted.",
                size=None,
            ),
        ),
        migrations.AddIndex(
            model_name="modelversion",
            index=django.contrib.postgres.indexes.GinIndex(fields=["tags"], name="version_tags"),
        ),
    ]
