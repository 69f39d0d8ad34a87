"""The database of an old installation (`tests.fixtures.database`), migrated, and what must stand.

Everything that a rename changes is in `names` and `constraints`: whoever renames something that
is stored adds a line there beside the migration, and nothing else here changes.
"""
