"""Limits that are reached: of PostgreSQL for a jsonb (256 MB), of the system for open files."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_TRIGGER = """
CREATE FUNCTION refuse_large() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.data->>'text' = TG_ARGV[0] THEN
        RAISE EXCEPTION 'total size of jsonb array elements exceeds the maximum of 268435455 bytes'
            USING ERRCODE = 'program_limit_exceeded';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_large BEFORE INSERT OR UPDATE ON registry_task
    FOR EACH ROW EXECUTE FUNCTION refuse_large(%s);
"""


def refuse_text(text: str) -> None:
    """Refuse tasks with this text until the test ends; a real one takes a gigabyte to make."""
    with connection.cursor() as cursor:
        cursor.execute(_TRIGGER, [text])


@contextmanager
def no_more_files() -> Iterator[None]:
    """Makes this process unable to open files; those that it has open stay usable."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
