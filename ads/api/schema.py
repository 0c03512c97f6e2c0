"""What every operation of the staff API has in common, in the OpenAPI document: its problems, and the headers of safe writes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from adplatform.problems import KINDS, MEDIA_TYPE

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details (RFC 9457). ``type`` leads to what the kind means and never changes."""

    type = serializers.CharField(help_text="For example /api/problems/wrong-state")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="For people: what is wrong, and what to do")
    instance = serializers.CharField(help_text="The address that was asked for")

    def get_fields(self) -> dict[str, Any]:
        # A serializer has an attribute of this name.
        sentences = serializers.ListField(child=serializers.CharField())
        errors = serializers.DictField(child=sentences, required=False, help_text="Sentences by field or parameter, where one is to blame")
        return {**super().get_fields(), "errors": errors}


class StaffSchema(AutoSchema):
    """Adds to each operation the problems it may answer; a view documents only what is its own."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._refusals():
            words = bodies.get(str(status), {}).get("description") or self._meaning(status)
            answer = self._get_response_for_code(ProblemSerializer, str(status), [MEDIA_TYPE], direction)  # type: ignore[no-untyped-call]
            bodies[str(status)] = {**answer, "description": words}
        return dict(sorted(bodies.items()))

    def _refusals(self) -> list[int]:
        common = {400, 401, 403, 404, 406, 429}
        if self.method in WRITES:
            common |= {409, 413, 415}
        return sorted(common)

    def _meaning(self, status: int) -> str:
        return "; or: ".join(kind.title for kind in KINDS.values() if kind.status == status)
