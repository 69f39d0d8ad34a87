"""The base of every resource under /api/: permissions, list, body, answers, routes of actions."""

from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action as route
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from registry.actions.operator import Action, Caller, Result, Via, actions_on
from registry.permissions import may_view

from .filters import Ordering, Search, StrictFilters
from .paging import KeysetPagination
from .serializers import body_of


class ModelPermissions(BasePermission):
    """Reading requires the view permission of each model shown, an action its own one as well.

    A resource's `actions_by_route` has the action of each view. Any other unsafe request is
    denied.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not user.is_authenticated:
            return False
        models = (view.queryset.model, *view.reads.get(view.action, ()))
        if not may_view(user, *models):
            return False
        if view.action in view.actions_by_route:
            return view.actions_by_route[view.action].allowed(user)
        return request.method in ("GET", "HEAD", "OPTIONS")


class Resource(ReadOnlyModelViewSet):
    """A resource to list and read; every change of a row is an operator action.

    `actions_by_route` has the action of each view, `reads` the other models that a view shows.
    For a long table, `narrow_by` names the filters that allow every query, `indexed` the filters
    that an index answers alone in the order of ids, and `ordered_by` those of `narrow_by` whose
    rows an index has in that order. `secret_serializer_class` describes a row with its new secret.
    """

    permission_classes = [ModelPermissions]
    pagination_class = KeysetPagination
    filter_backends = [StrictFilters, Search, Ordering]
    lookup_value_converter = "int"
    ordering_fields: ClassVar[tuple[str, ...]] = ("id",)
    ordering = "-id"
    search_fields: ClassVar[tuple[str, ...]] = ()
    narrow_by: ClassVar[tuple[str, ...]] = ()
    indexed: ClassVar[tuple[str, ...]] = ()
    ordered_by: ClassVar[tuple[str, ...]] = ()
    actions_by_route: ClassVar[dict[str, Action]] = {}
    reads: ClassVar[dict[str, tuple[type[Model], ...]]] = {}
    detail_serializer_class: ClassVar[type[BaseSerializer] | None] = None
    secret_serializer_class: ClassVar[type[BaseSerializer] | None] = None

    def __init_subclass__(cls) -> None:
        if cls.queryset is not None:
            add_routes(cls, cls.queryset.model)

    def get_serializer_class(self) -> type[BaseSerializer]:
        """The detail serializer; for a list the short one."""
        if self.action != "list" and self.detail_serializer_class:
            return self.detail_serializer_class
        return super().get_serializer_class()

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        """Filters lists only; one row is found by its id."""
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    @property
    def caller(self) -> Caller:
        """The user of the request, as the caller of an action."""
        return Caller(self.request.user.get_username(), Via.API)

    def validated(self, body: type[Serializer], **context: Any) -> dict[str, Any]:
        """The validated values of the request's body or query. Raises ValidationError."""
        data = self.request.query_params if self.request.method == "GET" else self.request.data
        read = body(data=data, context=context)
        read.is_valid(raise_exception=True)
        return read.validated_data

    def current_row(self) -> Response:
        """The row after an action on it."""
        return Response(self.get_serializer(self.get_object()).data)

    def answer(self, done: Result) -> Response:
        """The row that an action returns: 201 if it is new, else 200."""
        row = self.get_queryset().get(pk=done.row.pk)
        return Response(self.get_serializer(row).data, status=201 if done.is_new else 200)

    def secret_fields(self, secret: str) -> dict[str, str]:
        """What an answer has of a new secret."""
        return {"secret": secret}

    def answer_with_secret(self, row: Model, done: Result) -> Response:
        """The row with the secret that an action has made, which no cache may store."""
        body = {**self.get_serializer(row).data, **self.secret_fields(done.secret)}
        status = 201 if done.is_new else 200
        return Response(body, status=status, headers={"Cache-Control": "no-store"})


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
        values = self.validated(body)
        if faults := action.faults(values):
            raise serializers.ValidationError(faults)
        done = action.execute(subject, values, self.caller)
        if action.answers_with_secret:
            return self.answer_with_secret(subject, done)
        return self.answer(done) if action.answers_with_new_row else self.current_row()

    perform.__name__ = action.path
    perform.__doc__ = action.description
    answer = resource.detail_serializer_class or resource.serializer_class
    if action.answers_with_secret:
        answer = resource.secret_serializer_class
    responses = {201: answer, 200: answer} if action.answers_with_new_row else answer
    as_route = route(detail=True, methods=["post"], url_path=action.path.replace("_", "-"))
    described = extend_schema(request=body, responses=responses, summary=action.title)
    return described(as_route(perform))
