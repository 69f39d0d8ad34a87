"""Holds in the database what no act may do: change an act, or what identifies a version."""

from django.db import migrations

ACTS = """
CREATE FUNCTION registry_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER act_is_append_only BEFORE UPDATE OR DELETE ON registry_act
    FOR EACH ROW EXECUTE FUNCTION registry_refuse_change();
CREATE TRIGGER version_is_never_deleted BEFORE DELETE ON registry_modelversion
    FOR EACH ROW EXECUTE FUNCTION registry_refuse_change();
"""

VERSIONS = """
CREATE FUNCTION registry_refuse_other_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'version % is immutable', OLD.label
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER version_is_immutable BEFORE UPDATE ON registry_modelversion
    FOR EACH ROW
    WHEN ((OLD.project_id, OLD.number, OLD.label, OLD.run_id, OLD.pipeline, OLD.recipe,
           OLD.fingerprint, OLD.artifact, OLD.artifact_bytes, OLD.artifact_sha256,
           OLD.environment, OLD.created_at)
          IS DISTINCT FROM
          (NEW.project_id, NEW.number, NEW.label, NEW.run_id, NEW.pipeline, NEW.recipe,
           NEW.fingerprint, NEW.artifact, NEW.artifact_bytes, NEW.artifact_sha256,
           NEW.environment, NEW.created_at))
    EXECUTE FUNCTION registry_refuse_other_version();
"""

# A run that has ended stays as it ended; only a queued one is claimed, only a running one ends.
RUNS = """
CREATE FUNCTION registry_refuse_run_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'run % cannot go from % to %', OLD.id, OLD.state, NEW.state
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER run_state_moves_forward BEFORE UPDATE ON registry_trainingrun
    FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (
        (OLD.state = 'queued' AND NEW.state IN ('running', 'cancelled'))
        OR (OLD.state = 'running' AND NEW.state IN ('succeeded', 'failed', 'cancelled'))))
    EXECUTE FUNCTION registry_refuse_run_move();
"""

UNDO = """
DROP TRIGGER run_state_moves_forward ON registry_trainingrun;
DROP TRIGGER version_is_immutable ON registry_modelversion;
DROP TRIGGER version_is_never_deleted ON registry_modelversion;
DROP TRIGGER act_is_append_only ON registry_act;
DROP FUNCTION registry_refuse_run_move();
DROP FUNCTION registry_refuse_other_version();
DROP FUNCTION registry_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]

    operations = [migrations.RunSQL(ACTS + VERSIONS + RUNS, UNDO)]
