"""Names the triggers and functions of NOTIFY by what they do; the channels keep their names.

Each rename commits alone, because it locks its table, and is skipped where an interrupted attempt
has made it. It waits for that lock at most 0.2 s at a time, since whoever uses the table waits
behind it: a long reader, such as a backup, would else stop a server that runs beside, which has
0.8 s of Label Studio's one second for a webhook's queries.
"""

from django.db import migrations

# Table, name of migration 0025 or 0032, name from here on.
TRIGGERS = (
    ("registry_project", "project_change_is_told", "project_notify_change"),
    ("registry_project", "project_deletion_is_told", "project_notify_deletion"),
    ("registry_modelversion", "version_change_is_told", "version_notify_change"),
    ("registry_trainingrun", "run_start_is_told", "run_notify_start"),
    ("registry_trainingrun", "run_state_is_told", "run_notify_state"),
    ("registry_trainingrun", "run_deletion_is_told", "run_notify_deletion"),
    ("registry_accesskey", "key_change_is_told", "key_notify_change"),
    ("registry_accesskey", "key_deletion_is_told", "key_notify_deletion"),
    ("django_q_ormq", "queued_training_rings", "queued_training_notify"),
)
ATTEMPTS = 1500  # half an hour
FUNCTIONS = (
    ("registry_tell_change", "registry_notify_change"),
    ("registry_ring_queue", "registry_notify_queue"),
)


def rename_trigger(table: str, old: str, new: str) -> str:
    return f"""
DO $$ BEGIN
    SET LOCAL lock_timeout = '200ms';
    FOR attempt IN 1..{ATTEMPTS} LOOP
        BEGIN
            IF EXISTS (
                SELECT FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND tgname = '{old}'
            ) THEN
                ALTER TRIGGER {old} ON {table} RENAME TO {new};
            END IF;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = {ATTEMPTS} THEN RAISE; END IF;
            PERFORM pg_sleep(1);
        END;
    END LOOP;
END $$;
"""


def rename_function(old: str, new: str) -> str:
    return f"""
DO $$ BEGIN
    IF to_regprocedure('{old}()') IS NOT NULL THEN
        ALTER FUNCTION {old}() RENAME TO {new};
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("registry", "0048_follow_up")]

    operations = [
        *(
            migrations.RunSQL(rename_trigger(table, old, new), rename_trigger(table, new, old))
            for table, old, new in TRIGGERS
        ),
        *(
            migrations.RunSQL(rename_function(old, new), rename_function(new, old))
            for old, new in FUNCTIONS
        ),
    ]
