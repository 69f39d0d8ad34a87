"""Label Studio's routes, each with and without a trailing slash."""

from django.urls import re_path

from mlapi import views

handler400 = "mlapi.exception_handlers.bad_request"
handler404 = "mlapi.exception_handlers.not_found"
handler500 = "mlapi.exception_handlers.server_error"

ROUTES = {
    "health": views.Health,
    "setup": views.Setup,
    "predict": views.Predict,
    "webhook": views.Webhook,
    "train": views.Train,
    "is_training": views.IsTraining,
    "job_status": views.JobStatus,
    "versions": views.Versions,
    "metrics": views.Metrics,
    "validate": views.Validate,
    "ready": views.Ready,
}

urlpatterns = [
    re_path(r"^$", views.Root.as_view(), name="root"),
    *(re_path(rf"^{route}/?$", view.as_view(), name=route) for route, view in ROUTES.items()),
]
