"""The OpenAPI schema: adds to every operation the errors that it returns."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class ErrorDetailSerializer(serializers.Serializer):
    """An error's code, cause and cure."""

    code = serializers.CharField(help_text="Stable identifier of the cause.")
    message = serializers.CharField(help_text="The cause.")
    hint = serializers.CharField(allow_blank=True, help_text="The cure.")
    request_id = serializers.CharField(
        allow_blank=True, help_text="Identifies the request in the server's log."
    )


class ErrorSerializer(serializers.Serializer):
    """The form of every error."""

    error = ErrorDetailSerializer()


_ALWAYS = {
    401: "Token and session are missing or invalid.",
    403: "The user lacks the permission.",
    503: "The backend has too much to do at this moment; repeat it after Retry-After.",
}
_MEANING = {
    400: "The body or a parameter is invalid.",
    404: "The object does not exist.",
    409: "The action is not available in the object's state, or failed.",
}


class RegistrySchema(AutoSchema):
    """Adds to each operation the errors that its method, path and parameters imply."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        for code, meaning in self._errors().items():
            if str(code) not in bodies:
                response = OpenApiResponse(ErrorSerializer, meaning)
                bodies[str(code)] = self._get_response_for_code(
                    response, str(code), ["application/json"], direction
                )
        return bodies

    def get_summary(self) -> str:
        """The first sentence of what the operation does."""
        if summary := super().get_summary():
            return summary
        view: Any = self.view
        noun = view.queryset.model._meta.verbose_name
        usual = {"list": f"List {noun}s", "retrieve": f"Read one {noun}"}
        action = getattr(view, "action", "")
        if action in usual:
            return usual[action].replace("entrys", "entries")
        text = " ".join((self.get_description() or action).split())
        return text.partition(". ")[0].removesuffix(".")

    def _errors(self) -> dict[int, str]:
        codes = []
        if self.method != "GET" or self._is_list_view() or self.get_override_parameters():
            codes.append(400)
        if "{" in self.path:
            codes.append(404)
        if getattr(self.view, "action", None) in getattr(self.view, "actions_by_route", {}):
            codes.append(409)
        return _ALWAYS | {code: _MEANING[code] for code in codes}
