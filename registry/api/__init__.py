"""REST under /api/: reads the registry and executes operator actions.

Imports permissions, reports, actions and models. Imported by admin and by the project's urls.
"""
