"""``GET /api/v1/flights/<id>/gains``: the changes that would free most delivery, as the admin's page tells them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from ads.models import Flight
from ads.reports.gains import tasks, told
from ads.scope import advertiser_of

from .reports import moment

SHORTEST = timedelta(hours=1)


class EstimateSerializer(serializers.Serializer[Any]):
    extra = serializers.FloatField(help_text="A day more than the flight as it is")
    low = serializers.FloatField(help_text="Lower end of the 95 % interval")
    high = serializers.FloatField()


class LoserSerializer(serializers.Serializer[Any]):
    flight = serializers.IntegerField(help_text="0: seconds that stayed empty, or another advertiser's flight")
    name = serializers.CharField()
    a_day = serializers.FloatField(help_text="Slots a day")


class GainsOptionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    words = serializers.CharField(help_text="What to change")
    note = serializers.CharField(allow_blank=True)
    impressions = EstimateSerializer()
    goal = EstimateSerializer(help_text="Of what the flight was sold for: goal events, micros where that is spend")
    spend = EstimateSerializer(help_text="In units of the installation's currency")
    gain_words = serializers.CharField()
    sure = serializers.BooleanField(help_text="Whether the interval lies above 0")
    needs_clip = serializers.BooleanField(help_text="Whether it takes another clip")
    losers = LoserSerializer(many=True)


class TriedSerializer(serializers.Serializer[Any]):
    words = serializers.CharField()
    extra_a_day = serializers.FloatField(help_text="At a first look, on fewer requests")


class GainsAnswerSerializer(serializers.Serializer[Any]):
    problem = serializers.CharField(required=False, help_text="Why there is no answer")
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    requests = serializers.IntegerField(required=False, help_text="Breaks that the sample stands for")
    decided = serializers.IntegerField(required=False, help_text="Breaks that were decided again for each change")
    as_if_live = serializers.BooleanField(required=False, help_text="Whether the flight did not run and is simulated as if it had")
    impressions_a_day = serializers.FloatField(required=False, help_text="Of the flight as it is, by the same simulation")
    options = GainsOptionSerializer(many=True, required=False)
    pair = GainsOptionSerializer(allow_null=True, required=False, help_text="Two of them together, where that is better than each")
    tried = TriedSerializer(many=True, required=False)


class GainsSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=["working", "done"], help_text="Ask again while it is working")
    share = serializers.FloatField(required=False, help_text="How much of the work is done, 0-1")
    answer = GainsAnswerSerializer(required=False)


def window_of(since: str, until: str | None, now: datetime) -> tuple[datetime, datetime]:
    """Raises ValidationError in words."""
    ends = now if until is None else moment(until, now)
    begins = moment(since, now)
    if begins + SHORTEST > ends:
        raise ValidationError({"since": ["The time must begin at least an hour before it ends."]})
    return begins, ends


def gains_of(flight: Flight, since: datetime, until: datetime, *, user: AbstractBaseUser | AnonymousUser, now: datetime) -> dict[str, Any]:
    found = tasks.answer(flight, since, until, now=now)
    narrowed = advertiser_of(user)
    if narrowed is not None and "options" in found.get("answer", {}):
        found = {**found, "answer": told.for_advertiser(found["answer"], narrowed)}
    return found
