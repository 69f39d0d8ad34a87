"""Rings when a training is queued (`registry.queue_broker`)."""

from django.db import migrations

RING = """
CREATE FUNCTION registry_ring_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('registry_queue', NEW.key);
    RETURN NULL;
END $$;
CREATE TRIGGER queued_training_rings AFTER INSERT ON django_q_ormq
    FOR EACH ROW WHEN (NEW.key = 'training') EXECUTE FUNCTION registry_ring_queue();
"""

UNDO = """
DROP TRIGGER queued_training_rings ON django_q_ormq;
DROP FUNCTION registry_ring_queue();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0031_run_kind"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]

    operations = [migrations.RunSQL(RING, UNDO)]
