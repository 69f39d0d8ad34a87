"""Asks registry.permissions, which the admin asks too: may this user do what the route does?"""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from registry.permissions import allowed, may_view


class AsInTheAdmin(BasePermission):
    """Who may view the model may read it; an act needs its own permission as well.

    A view says in `acts` which of its actions is which act. What changes something and is
    no act is open to nobody.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not user.is_authenticated:
            return False
        models = (view.queryset.model, *view.reads.get(view.action, ()))
        if not all(may_view(user, model) for model in models):
            return False
        if view.action in view.acts:
            return allowed(user, view.acts[view.action])
        return request.method in ("GET", "HEAD", "OPTIONS")
