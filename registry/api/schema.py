"""The OpenAPI schema: adds to every operation the errors that it returns."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class ErrorDetailSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="Stable, one for each cause.")
    message = serializers.CharField(help_text="The cause.")
    hint = serializers.CharField(allow_blank=True, help_text="The cure.")
    request_id = serializers.CharField(
        allow_blank=True, help_text="Under which the server's log has this request."
    )


class ErrorSerializer(serializers.Serializer):
    """Every error has this form."""

    error = ErrorDetailSerializer()


_ALWAYS = {
    401: "No token, no session, or one that is not valid.",
    403: "The user may not do this.",
}
_MEANING = {
    400: "What was sent is not what the route takes.",
    404: "There is no such object.",
    409: "The action was refused: its conditions do not hold, and nothing was changed.",
}


class RegistrySchema(AutoSchema):
    """Adds to each operation the errors that follow from what it takes."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        for code, meaning in self._errors().items():
            if str(code) not in bodies:
                response = OpenApiResponse(ErrorSerializer, meaning)
                bodies[str(code)] = self._get_response_for_code(
                    response, str(code), ["application/json"], direction
                )
        return bodies

    def _errors(self) -> dict[int, str]:
        wanted = []
        if self.method != "GET" or self._is_list_view() or self.get_override_parameters():
            wanted.append(400)
        if "{" in self.path:
            wanted.append(404)
        if getattr(self.view, "action", None) in getattr(self.view, "actions_by_route", {}):
            wanted.append(409)
        return _ALWAYS | {code: _MEANING[code] for code in wanted}
