"""Tells listeners what has changed of what requests depend on (`registry.changes`)."""

from django.db import migrations

# The first argument is the kind of the subject, the second the column with its id.
FUNCTION = """
CREATE FUNCTION registry_tell_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record;
    subject text;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    EXECUTE format('SELECT ($1).%I::text', TG_ARGV[1]) INTO subject USING changed;
    PERFORM pg_notify('registry_changes', TG_ARGV[0] || ' ' || subject);
    RETURN NULL;
END $$;
"""

# All columns count but those that say how far sync, scoring and policy are: these change with
# every event, and a commit that tells something waits for the others that do.
PROJECTS = """
CREATE TRIGGER project_change_is_told AFTER UPDATE ON registry_project
    FOR EACH ROW
    WHEN ((to_jsonb(OLD) - ARRAY['labels_changed_at', 'threshold_reached_at', 'scores_queued_at',
                                 'sync_queued_at', 'synced_at', 'sync_cursor_at', 'updated_at'])
          IS DISTINCT FROM
          (to_jsonb(NEW) - ARRAY['labels_changed_at', 'threshold_reached_at', 'scores_queued_at',
                                 'sync_queued_at', 'synced_at', 'sync_cursor_at', 'updated_at']))
    EXECUTE FUNCTION registry_tell_change('project', 'id');
CREATE TRIGGER project_deletion_is_told AFTER DELETE ON registry_project
    FOR EACH ROW EXECUTE FUNCTION registry_tell_change('project', 'id');
"""

VERSIONS = """
CREATE TRIGGER version_change_is_told AFTER UPDATE ON registry_modelversion
    FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW)
    EXECUTE FUNCTION registry_tell_change('project', 'project_id');
"""

RUNS = """
CREATE TRIGGER run_start_is_told AFTER INSERT ON registry_trainingrun
    FOR EACH ROW EXECUTE FUNCTION registry_tell_change('project', 'project_id');
CREATE TRIGGER run_state_is_told AFTER UPDATE ON registry_trainingrun
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION registry_tell_change('project', 'project_id');
CREATE TRIGGER run_deletion_is_told AFTER DELETE ON registry_trainingrun
    FOR EACH ROW EXECUTE FUNCTION registry_tell_change('project', 'project_id');
"""

KEYS = """
CREATE TRIGGER key_change_is_told AFTER UPDATE ON registry_accesskey
    FOR EACH ROW
    WHEN ((to_jsonb(OLD) - 'last_used_at') IS DISTINCT FROM (to_jsonb(NEW) - 'last_used_at'))
    EXECUTE FUNCTION registry_tell_change('key', 'id');
CREATE TRIGGER key_deletion_is_told AFTER DELETE ON registry_accesskey
    FOR EACH ROW EXECUTE FUNCTION registry_tell_change('key', 'id');
"""

UNDO = """
DROP TRIGGER key_deletion_is_told ON registry_accesskey;
DROP TRIGGER key_change_is_told ON registry_accesskey;
DROP TRIGGER run_deletion_is_told ON registry_trainingrun;
DROP TRIGGER run_state_is_told ON registry_trainingrun;
DROP TRIGGER run_start_is_told ON registry_trainingrun;
DROP TRIGGER version_change_is_told ON registry_modelversion;
DROP TRIGGER project_deletion_is_told ON registry_project;
DROP TRIGGER project_change_is_told ON registry_project;
DROP FUNCTION registry_tell_change();
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0024_task_classes")]

    operations = [migrations.RunSQL(FUNCTION + PROJECTS + VERSIONS + RUNS + KEYS, UNDO)]
