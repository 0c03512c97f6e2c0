"""``GET /api/v1/flights/<id>/why-not`` and ``/forecast``: what a flight's page in the admin tells, for tools."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from adplatform.moments import NotATime, read_since
from ads.forecast.foresight import ANOTHER
from ads.models import Flight, FlightForecast
from ads.outlook import warnings_of
from ads.reports.shown import shown
from ads.reports.why_not import why_not

from .money import AMOUNT_SCHEMA, AmountField, GoalField

LONGEST = timedelta(days=400)


class ReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    words = serializers.CharField()
    count = serializers.IntegerField()
    share = serializers.FloatField(help_text="Of all that was considered, 0-1")


class StepSerializer(serializers.Serializer[Any]):
    stage = serializers.CharField()
    words = serializers.CharField()
    count = serializers.IntegerField(help_text="How often its ads ended here")
    share = serializers.FloatField()
    left = serializers.IntegerField(help_text="How often they came further")
    reasons = ReasonSerializer(many=True)


class FunnelShownSerializer(serializers.Serializer[Any]):
    reserved = serializers.IntegerField(help_text="Slots it was given")
    unseen = serializers.IntegerField(help_text="Not shown, or not yet; below 0 where more of earlier breaks was seen")
    seen = serializers.IntegerField(help_text="Impressions that were reported")
    invalid = ReasonSerializer(many=True, help_text="Impressions that do not count")
    impressions = serializers.IntegerField(help_text="Impressions that count")
    completed = serializers.IntegerField()
    clicks = serializers.IntegerField()


class FunnelSerializer(serializers.Serializer[Any]):
    flight = serializers.IntegerField()
    name = serializers.CharField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    grain = serializers.ChoiceField(choices=["hour", "day"], help_text="What the figures are kept by")
    requests = serializers.IntegerField(help_text="Breaks that were asked for, by anybody")
    ads = serializers.IntegerField(help_text="How many of its ads came up")
    absent = serializers.IntegerField(help_text="Chances in which it was not in the running: requests x ads = absent + considered")
    considered = serializers.IntegerField(help_text="Each of its ads once a break")
    served = serializers.IntegerField()
    steps = StepSerializer(many=True)
    obstacle = serializers.CharField(help_text="The main reason, in a sentence")
    shown = FunnelShownSerializer(help_text="What came of the slots that it won")


@extend_schema_field({"oneOf": [{"type": "number"}, *AMOUNT_SCHEMA["oneOf"][:1]]})
class ExpectedField(serializers.FloatField):
    """A count of goal events; an amount of money where the goal is spend."""


class ConflictSerializer(serializers.Serializer[Any]):
    flight = serializers.IntegerField(
        allow_null=True, help_text="Empty for a flight of another advertiser, where that is none of the caller's business"
    )
    name = serializers.CharField()
    share = serializers.FloatField(help_text="Of the requests that the flight matches, 0-1")


class ForecastSerializer(serializers.ModelSerializer[FlightForecast]):
    """``supply`` holds the eligible requests expected in each UTC hour of a week, from Monday 00. Nine outcomes of ten lie between
    ``expected_low`` and ``expected_high``, which are empty where too much is sold to simulate it every hour."""

    expected_delivery = ExpectedField(help_text="Goal events at its end; an amount of money when the goal is spend")
    expected_low = ExpectedField(allow_null=True)
    expected_high = ExpectedField(allow_null=True)
    conflicts = ConflictSerializer(many=True, help_text="Who takes how much of what it wants, the most first")
    goal = GoalField(source="flight.goal_amount", allow_null=True)
    warnings = serializers.SerializerMethodField()

    class Meta:
        model = FlightForecast
        fields = [
            "flight", "computed_at", "requests", "eligible", "win_share", "expected_delivery", "expected_low", "expected_high",
            "available_impressions", "unique_viewers", "conflicts", "goal", "supply", "warnings",
        ]  # fmt: skip

    def to_representation(self, instance: FlightForecast) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if not instance.expected_high:
            shown["expected_low"] = shown["expected_high"] = None
        if instance.flight.goal_type == Flight.Goal.SPEND:
            amounts = {name: getattr(instance, name) for name in ("expected_delivery", "expected_low", "expected_high")}
            for name, micros in (*amounts.items(), ("goal", instance.flight.goal_amount)):
                shown[name] = None if micros is None or shown[name] is None else AmountField().to_representation(round(micros))
        shown["conflicts"] = self._named(instance)
        return shown

    def _named(self, forecast: FlightForecast) -> list[dict[str, Any]]:
        """Flights of others go by no name to somebody who sees one advertiser's rows alone."""
        advertiser = self.context.get("advertiser")
        if advertiser is None:
            return list(forecast.conflicts)
        flights = [one["flight"] for one in forecast.conflicts]
        own = set(Flight.objects.filter(pk__in=flights, campaign__advertiser=advertiser).values_list("pk", flat=True))
        return [one if one["flight"] in own else {**one, "flight": None, "name": ANOTHER} for one in forecast.conflicts]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_warnings(self, forecast: FlightForecast) -> list[str]:
        return warnings_of(forecast.flight)


def funnel_of(flight: Flight, since: str, until: str | None, now: datetime) -> dict[str, Any]:
    """With what came of the slots it won. Raises ValidationError when a time cannot be read."""
    begins, ends = moment(since, now), now if until is None else moment(until, now, "until")
    if begins >= ends:
        raise ValidationError({"since": ["The time must begin before it ends."]})
    funnel = why_not(flight, begins, ends)
    seen = shown(funnel)
    return {**asdict(funnel), "shown": {**asdict(seen), "unseen": seen.unseen}}


def moment(text: str, now: datetime, name: str = "since") -> datetime:
    """24h, 7d or 2w before ``now``, or an ISO time, UTC where it names no zone. Raises ValidationError in words."""
    try:
        read = read_since(text, now)
    except NotATime as error:
        raise ValidationError({name: [f"{error}."]}) from None
    if not now - LONGEST <= read < now:
        raise ValidationError({name: [f"Ask for a time in the last {LONGEST.days} days."]})
    return read
