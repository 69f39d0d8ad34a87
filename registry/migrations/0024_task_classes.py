"""Stores the classes of labels beside tasks and outcomes, and looks them up there."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models

# A label, or each of a list of them; `registry.classes` writes the same, sorted by code points.
TASKS = """
UPDATE registry_task AS task SET classes = found.classes
FROM (
    SELECT id, array_agg(DISTINCT entry) AS classes
    FROM (
        SELECT id, CASE WHEN length(entry) <= 300 THEN entry ELSE left(entry, 200) || '…'
            || encode(sha256(convert_to(entry, 'UTF8')), 'hex') END COLLATE "C" AS entry
        FROM registry_task, jsonb_each(labels) AS answer, jsonb_array_elements_text(
            CASE jsonb_typeof(answer.value) WHEN 'array' THEN answer.value
                ELSE jsonb_build_array(answer.value) END
        ) AS label, LATERAL (SELECT answer.key || '=' || label AS entry) AS written
        WHERE label <> ''
    ) AS entries
    GROUP BY id
) AS found
WHERE task.id = found.id;
"""
OUTCOMES = """
UPDATE registry_outcome SET
    human_classes = ARRAY(
        SELECT label FROM jsonb_array_elements_text(
            CASE jsonb_typeof(human) WHEN 'array' THEN human ELSE jsonb_build_array(human) END
        ) AS label WHERE label <> '' ORDER BY label COLLATE "C"
    ),
    predicted_classes = CASE WHEN jsonb_typeof(predicted) <> 'null' THEN ARRAY(
        SELECT label FROM jsonb_array_elements_text(
            CASE jsonb_typeof(predicted) WHEN 'array' THEN predicted
                ELSE jsonb_build_array(predicted) END
        ) AS label WHERE label <> '' ORDER BY label COLLATE "C"
    ) END;
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0023_label_renames")]

    operations = [
        migrations.AddField(
            model_name="task",
            name="classes",
            field=ArrayField(
                models.TextField(),
                blank=True,
                default=list,
                help_text="The classes of its labels: control=label.",
            ),
        ),
        migrations.AddField(
            model_name="outcome",
            name="human_classes",
            field=ArrayField(
                models.TextField(), default=list, help_text="The classes in the human label."
            ),
        ),
        migrations.AddField(
            model_name="outcome",
            name="predicted_classes",
            field=ArrayField(
                models.TextField(),
                null=True,
                help_text="The classes in the prediction; null: there was none.",
            ),
        ),
        migrations.RunSQL(TASKS, migrations.RunSQL.noop),
        migrations.RunSQL(OUTCOMES, migrations.RunSQL.noop),
        migrations.RemoveIndex(model_name="task", name="task_labels"),
        migrations.AddIndex(
            model_name="task", index=GinIndex(fields=["classes"], name="task_classes")
        ),
    ]
