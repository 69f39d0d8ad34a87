"""REST under /api/: the record to be read, and the acts to be done, by scripts.

Imports permissions, reports, acts and models. Imported by admin and by the project's urls.
"""
