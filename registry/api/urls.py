"""The routes under /api/."""

from django.contrib.auth.decorators import login_required
from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import APIRootView, DefaultRouter
from rest_framework.views import APIView

from .access_keys import AccessKeys
from .errors import route_unknown
from .projects import Projects
from .records import AuditEntries, Events, Metrics, Outcomes
from .runs import Runs
from .tasks import Tasks
from .versions import Versions
from .webhooks import WebhookDeliveries, Webhooks

RESOURCES = {
    "projects": Projects,
    "versions": Versions,
    "runs": Runs,
    "tasks": Tasks,
    "metrics": Metrics,
    "outcomes": Outcomes,
    "events": Events,
    "audit-entries": AuditEntries,
    "access-keys": AccessKeys,
    "webhooks": Webhooks,
    "webhook-deliveries": WebhookDeliveries,
}


class Root(APIRootView):
    """The resources, by name."""

    schema = None


class UnknownRoute(APIView):
    """Any other route: route_unknown for an authenticated caller."""

    schema = None

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        raise route_unknown()

    def get(self, request: Request) -> Response:
        raise route_unknown()


class _Router(DefaultRouter):
    APIRootView = Root
    include_format_suffixes = False


router = _Router(use_regex_path=False)
for name, resource in RESOURCES.items():
    router.register(name, resource, basename=name)

app_name = "api"
urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", login_required(SpectacularSwaggerView.as_view(url_name="api:schema"))),
    *router.urls,
    re_path("", UnknownRoute.as_view(), name="unknown-route"),
]
