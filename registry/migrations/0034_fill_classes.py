"""Fills the classes of tasks and outcomes that were stored before, and adds the index of tasks.

In transactions of their own, a few thousand rows each: in one, which also changes the tables,
nothing could be read or written until all rows are filled. It can be interrupted and begun again.
"""

from django.db import migrations

BATCH = 5_000

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
        WHERE label <> '' AND id >= %s AND id < %s AND classes = '{}' AND labels <> '{}'
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
    ) END
WHERE id >= %s AND id < %s AND human_classes = '{}' AND predicted_classes IS NULL;
"""


def fill(apps, schema_editor):
    for table, statement in (("registry_task", TASKS), ("registry_outcome", OUTCOMES)):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
            last = cursor.fetchone()[0]
            for first in range(1, last + 1, BATCH):
                cursor.execute(statement, [first, first + BATCH])


def add_index(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('task_classes')"
        )
        found = cursor.fetchone()
        if found and not found[0]:  # an interrupted attempt
            cursor.execute("DROP INDEX CONCURRENTLY task_classes")
        if not found or not found[0]:
            cursor.execute(
                "CREATE INDEX CONCURRENTLY task_classes ON registry_task USING gin (classes)"
            )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("registry", "0033_readings")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=False),
        migrations.RunPython(add_index, migrations.RunPython.noop, elidable=False),
    ]
