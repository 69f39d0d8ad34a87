"""Asks registry.permissions, which the admin asks too: may this user do what the route does?"""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from registry.permissions import may_view


class ModelPermissions(BasePermission):
    """Who may view the model may read it; an operator action needs its own permission as well.

    `actions_by_route` of a resource says which is which. What changes something and is no action
    is open to nobody.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not user.is_authenticated:
            return False
        models = (view.queryset.model, *view.reads.get(view.action, ()))
        if not all(may_view(user, model) for model in models):
            return False
        if view.action in view.actions_by_route:
            return view.actions_by_route[view.action].allowed(user)
        return request.method in ("GET", "HEAD", "OPTIONS")
