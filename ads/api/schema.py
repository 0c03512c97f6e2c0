"""What every operation of the staff API has in common, in the OpenAPI document: its problems, and the headers of safe writes."""

from __future__ import annotations

import inspect
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
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

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular's own signature
        """What the method says of itself: the docstring of the class is for who reads the code."""
        method = getattr(self.view, getattr(self.view, "action", None) or self.method.lower(), None)
        return inspect.getdoc(method) or ""

    def get_override_parameters(self) -> list[Any]:
        found = super().get_override_parameters()
        if self.method in WRITES:
            found.append(_header("Idempotency-Key", "Of your own, such as a UUID: sent again within 24 hours, the write is not done again"))
            found.append(_header("Idempotency-Replayed", "true: this was answered before, and not done again", answers=[200, 201, 204]))
        if self._has_versions():
            if self.method in WRITES and not self._creates():
                found.append(_header("If-Match", "The `ETag` of the row as it was read; changed since, it is answered 412"))
            found.append(_header("ETag", "State of the row as stored; for `If-Match`", answers=[200, 201]))
        return found

    def _has_versions(self) -> bool:
        """Of the view, or of the one action of it."""
        versioned = getattr(self.view, "versioned", False)
        return bool(versioned) and (self.method != "GET" or getattr(self.view, "action", "") == "retrieve")

    def _creates(self) -> bool:
        return getattr(self.view, "action", "") == "create"

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
            common |= {409, 413, 415, 422}
            if self._has_versions() and not self._creates():
                common.add(412)
        return sorted(common)

    def _meaning(self, status: int) -> str:
        return "; or: ".join(kind.title for kind in KINDS.values() if kind.status == status)


def _header(name: str, words: str, *, answers: list[int] | None = None) -> OpenApiParameter:
    limits: dict[str, Any] = {} if answers else {"type": "string", "minLength": 1, "maxLength": 128}
    return OpenApiParameter(name, limits or str, OpenApiParameter.HEADER, description=words, response=answers or False)
