"""All URLs: Label Studio's routes at the root, the admin at /admin/, REST at /api/."""

from django.contrib import admin
from django.urls import include, path

from mlapi.urls import handler400, handler404, handler500
from registry.admin.login import login

__all__ = ["handler400", "handler404", "handler500", "urlpatterns"]

admin.autodiscover()  # which the admin's own app would do in every process

urlpatterns = [
    path("admin/login/", login),  # before the admin's own, which is called by it
    path("admin/", admin.site.urls),
    path("api/", include("registry.api.urls")),
    path("", include("mlapi.urls")),
]
