"""Targeting, caps and exclusions in the schema: what they may hold. Whether they make sense is the models' to say."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ads.ctr.features import CATEGORIES
from ads.terms import KEYS, MOST_CAPS, MOST_IN_A_CAP, PERS, SCOPES

_VALUES = {
    "type": "object",
    "properties": {key: {"type": "array", "items": {"type": ["string", "integer"]}} for key in KEYS},
    "additionalProperties": False,
}


@extend_schema_field({
    "type": "object", "title": "Targeting", "description": "Whom it reaches; every part optional: `{\"include\": {\"devices\": [\"tv\"]}}`",
    "properties": {"include": _VALUES, "exclude": _VALUES}, "additionalProperties": False,
})  # fmt: skip
class TargetingField(serializers.JSONField):
    pass


@extend_schema_field({
    "type": "array", "title": "Caps", "maxItems": MOST_CAPS,
    "description": "At most `count` impressions of the scope to one viewer in `times` units of `per`",
    "items": {
        "type": "object", "required": ["scope", "count", "per", "times"], "additionalProperties": False,
        "properties": {
            "scope": {"type": "string", "enum": [*SCOPES]}, "count": {"type": "integer", "minimum": 1, "maximum": MOST_IN_A_CAP},
            "per": {"type": "string", "enum": [*PERS]}, "times": {"type": "integer", "minimum": 1},
        },
    },
})  # fmt: skip
class CapsField(serializers.JSONField):
    pass


@extend_schema_field({
    "type": "array", "items": {"type": "string", "enum": [*CATEGORIES]}, "description": "Ad categories that may not stand beside this one in a pod",
})  # fmt: skip
class CategoriesField(serializers.JSONField):
    pass
