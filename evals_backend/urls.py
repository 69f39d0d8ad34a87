"""All URLs: Label Studio's routes at the root, the admin and REST beside them."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("mlapi.urls")),
]
