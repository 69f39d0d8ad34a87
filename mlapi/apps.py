"""The Django app of the ML backend protocol."""

from django.apps import AppConfig


class MlapiConfig(AppConfig):
    """Label Studio's routes and the engine behind them; it has no models of its own."""

    name = "mlapi"
