"""The routes of the operator actions: `POST /api/<resource>/<id>/<path>/` for each."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action as route
from rest_framework.request import Request
from rest_framework.response import Response

from registry.actions.operator import Action, actions_on

from .serializers import body_of


def add_routes(resource: Any, model: type[Model]) -> None:
    """Adds a route to the resource of a model for each action on its rows."""
    actions = [one for one in actions_on(model) if one.in_rest]
    for action in actions:
        if action.path not in resource.actions_by_route and hasattr(resource, action.path):
            raise ImproperlyConfigured(f"{resource} has a {action.path}: give the action a path.")
        setattr(resource, action.path, _route(action, resource))
    resource.actions_by_route = resource.actions_by_route | {one.path: one for one in actions}
    resource.reads = resource.reads | {
        one.path: tuple(version.model for version in one.form.versions) for one in actions
    }


def _route(action: Action, resource: Any) -> Any:
    body = body_of(action.form)

    def perform(self: Any, request: Request, pk: int) -> Response:
        subject = self.get_object()
        given = self.validated(body)
        if faults := action.faults(given):
            raise serializers.ValidationError(faults)
        done = action.execute(subject, given, self.caller)
        return self.answer(done) if action.answers_with_new_row else self.current_row()

    perform.__name__ = action.path
    perform.__doc__ = action.description
    answer = resource.detail_serializer_class or resource.serializer_class
    responses = {201: answer, 200: answer} if action.answers_with_new_row else answer
    as_route = route(detail=True, methods=["post"], url_path=action.path.replace("_", "-"))
    return extend_schema(request=body, responses=responses)(as_route(perform))
