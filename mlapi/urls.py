"""Label Studio's routes, each with and without a trailing slash."""

urlpatterns: list = []
