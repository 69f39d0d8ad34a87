"""Operations of migrations for the large tables, beside which events go on being inserted."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently


class AddIndexBeside(AddIndexConcurrently):
    """Adds an index while rows are written; what an interrupted attempt left is dropped first."""

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        name = schema_editor.quote_name(self.index.name)
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        super().database_forwards(app_label, schema_editor, *states)
