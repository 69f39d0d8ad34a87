"""The registry's Django app."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Projects, versions, runs, metrics and the actions on them."""

    name = "registry"
    default_auto_field = "django.db.models.BigAutoField"
