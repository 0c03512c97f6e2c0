"""Amounts over the wire: ``{"amount": "18.50", "currency": "USD"}`` out; that, or a plain amount, in. Stored in micros."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ads.money import WrongAmount, read_amount, write_amount
from ads.terms import LARGEST_GOAL

AMOUNT_SCHEMA: dict[str, Any] = {
    "title": "Amount",
    "oneOf": [
        {"type": "object", "properties": {"amount": {"type": "string"}, "currency": {"type": "string"}}, "required": ["amount"]},
        {"type": "string", "description": "In the installation's currency: “18.50”, or “18.50 USD”"},
        {"type": "number", "minimum": 0},
    ],
}


@extend_schema_field(AMOUNT_SCHEMA)
class AmountField(serializers.Field[int, Any, Any, Any]):
    """An amount of money in the installation's currency."""

    def to_internal_value(self, data: Any) -> int:
        return amount_of(data)

    def to_representation(self, value: int) -> dict[str, str]:
        return {"amount": write_amount(value), "currency": settings.CURRENCY}


@extend_schema_field({"title": "Count or amount", "oneOf": [{"type": "integer", "minimum": 1}, *AMOUNT_SCHEMA["oneOf"][:2]]})
class GoalField(serializers.Field[Any, Any, Any, Any]):
    """A count of impressions, completed views or clicks; an amount of money where the goal is spend. Read when the kind is known."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


def amount_of(data: Any) -> int:
    """Raises serializers.ValidationError in words."""
    currency = ""
    if isinstance(data, dict):
        if not set(data) <= {"amount", "currency"} or "amount" not in data:
            raise serializers.ValidationError('An amount is {"amount": "18.50", "currency": "' + settings.CURRENCY + '"}.')
        currency, data = str(data.get("currency", "")), data["amount"]
    if isinstance(data, bool) or not isinstance(data, (str, int, float)):
        raise serializers.ValidationError("An amount is a number, or text such as “18.50”.")
    try:
        return read_amount(f"{data} {currency}", currency=settings.CURRENCY)
    except WrongAmount as error:
        raise serializers.ValidationError(str(error)) from error


def count_of(data: Any) -> int:
    """Raises serializers.ValidationError in words."""
    if isinstance(data, bool) or not isinstance(data, int) or data < 1:
        raise serializers.ValidationError("The goal is a whole number of at least 1, or an amount of money when the goal is spend.")
    if data > LARGEST_GOAL:
        raise serializers.ValidationError(f"A goal is at most {LARGEST_GOAL:,}.")
    return data


__all__ = ["AmountField", "GoalField", "amount_of", "count_of"]
