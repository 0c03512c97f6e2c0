"""``POST /api/v1/forecast``: what a flight of these terms could expect beside all that is live; nothing is written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError as Unsound
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from ads.forecast.foresight import Rival, Told, Victim, looked_at
from ads.models import Flight
from ads.scope import advertiser_of, may_see

from .access import StaffView
from .money import AMOUNT_SCHEMA, AmountField
from .serializers import FlightSerializer, as_json


@extend_schema_field({"oneOf": [{"type": "number"}, *AMOUNT_SCHEMA["oneOf"][:1]]})
class EventsField(serializers.FloatField):
    """A count of goal events; an amount of money where the goal is spend."""


class RivalSerializer(serializers.Serializer[Any]):
    flight = serializers.IntegerField(
        allow_null=True, help_text="Empty for a flight of another advertiser, where that is none of the caller's business"
    )
    name = serializers.CharField()
    share = serializers.FloatField(help_text="Of the breaks that the flight matches, 0-1")


class VictimSerializer(serializers.Serializer[Any]):
    flight = serializers.IntegerField()
    name = serializers.CharField()
    before = EventsField(help_text="What it is expected to deliver without the flight")
    after = EventsField(help_text="What it is expected to deliver beside it")
    breaks_goal = serializers.BooleanField(help_text="Whether a guaranteed goal is missed because of it")


class DaySerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    expected = EventsField(help_text="Delivered until then")
    low = EventsField()
    high = EventsField()


class PartSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    share = serializers.FloatField()


class ForetoldSerializer(serializers.Serializer[Any]):
    """Nine outcomes of ten lie between ``low`` and ``high``; where too little is logged to tell, these are empty and ``warnings`` says so."""

    computed_at = serializers.DateTimeField()
    requests = serializers.IntegerField(help_text="Logged requests that it rests on")
    logged_days = serializers.FloatField()
    synthetic = serializers.BooleanField(help_text="Whether the synthetic audience's are among them")
    expected = EventsField(allow_null=True, help_text="Goal events at its end, what is delivered included")
    low = EventsField(allow_null=True)
    high = EventsField(allow_null=True)
    reaches = serializers.FloatField(allow_null=True, help_text="Share of the goal")
    spend = serializers.JSONField(help_text="An amount of money, from now on")
    impressions = serializers.FloatField(help_text="From now on")
    available_impressions = serializers.FloatField(help_text="With no other flight in its way, within its caps")
    available_viewers = serializers.FloatField(help_text="Different viewers among those")
    available_playbacks = serializers.FloatField(help_text="Playbacks without consent among those")
    viewers = serializers.FloatField(help_text="Different viewers it is expected to reach")
    playbacks = serializers.FloatField(help_text="Playbacks without consent it is expected to reach")
    frequency = serializers.ListField(child=serializers.FloatField(), help_text="Viewers served once, twice, ... and ten times or more")
    days = DaySerializer(many=True)
    devices = PartSerializer(many=True)
    titles = PartSerializer(many=True, help_text="Named by id; unknown: none")
    where = PartSerializer(many=True, help_text="What becomes of the breaks it matches")
    conflicts = RivalSerializer(many=True)
    hurts = VictimSerializer(many=True)
    supply = serializers.ListField(child=serializers.FloatField(), help_text="Eligible requests expected in each UTC hour of a week, from Monday 00")
    warnings = serializers.ListField(child=serializers.CharField())


class Forecasts(StaffView):
    rights = ("ads.add_flight", "ads.view_flightforecast")
    http_method_names = ["post"]

    @extend_schema(
        summary="What a flight of these terms could expect; nothing is written",
        tags=["selling"],
        operation_id="forecast_terms",
        request=FlightSerializer,
        responses={200: ForetoldSerializer},
    )
    def post(self, request: Request) -> Response:
        given = FlightSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        flight = Flight(**given.validated_data)
        if not may_see(request.user, flight.campaign):
            raise ValidationError({"campaign": [f"There is no campaign {flight.campaign_id}."]})
        try:
            # A second flight of the name may be forecast, if not saved.
            flight.full_clean(validate_unique=False, validate_constraints=False)
        except Unsound as error:
            raise ValidationError(as_json(error.message_dict)) from error
        told, advertiser = looked_at(flight, now=datetime.now(UTC)), advertiser_of(request.user)
        return Response(foretold(told if advertiser is None else told.for_advertiser(advertiser)))


def foretold(told: Told) -> dict[str, Any]:
    """``told`` as `ForetoldSerializer` describes it."""

    def events(value: float | None, kind: str = told.goal_type) -> Any:
        return AmountField().to_representation(round(value)) if value is not None and kind == Flight.Goal.SPEND else value

    return {
        "computed_at": told.computed_at,
        "requests": told.requests,
        "logged_days": told.logged_days,
        "synthetic": told.synthetic,
        "expected": events(told.expected),
        "low": events(told.low),
        "high": events(told.high),
        "reaches": told.reaches,
        "spend": AmountField().to_representation(round(told.spend)),
        "impressions": told.impressions,
        "available_impressions": told.available,
        "available_viewers": told.available_viewers,
        "available_playbacks": told.available_sessions,
        "viewers": told.viewers,
        "playbacks": told.sessions,
        "frequency": told.frequency,
        "days": [{"at": day.at, "expected": events(day.expected), "low": events(day.low), "high": events(day.high)} for day in told.days],
        "devices": [{"name": name, "share": share} for name, share in told.devices],
        "titles": [{"name": str(title or "unknown"), "share": share} for title, share in told.titles],
        "where": [{"name": name, "share": share} for name, share in told.where],
        "conflicts": [_rival(one) for one in told.conflicts],
        "hurts": [_victim(one, events) for one in told.hurts],
        "supply": told.supply,
        "warnings": told.warnings,
    }


def _rival(one: Rival) -> dict[str, Any]:
    return {"flight": one.flight or None, "name": f"{one.campaign} / {one.name}" if one.campaign else one.name, "share": one.share}


def _victim(one: Victim, events: Any) -> dict[str, Any]:
    return {
        "flight": one.flight,
        "name": f"{one.campaign} / {one.name}",
        "before": events(one.before, one.goal_type),
        "after": events(one.after, one.goal_type),
        "breaks_goal": one.breaks_goal,
    }
