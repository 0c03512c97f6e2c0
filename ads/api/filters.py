"""How the lists of rows are narrowed, searched and ordered. A filter that is not there, or makes no sense, is refused in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters as df
from django import forms
from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from ads.ctr.features import CATEGORIES
from ads.models import Ad, AdPolicy, Advertiser, Campaign, Flight
from ads.scope import EVERYBODY, advertiser_of

MOST_SEARCH = 100


def refuse_unknown(request: Request, known: Iterable[str]) -> None:
    """Raises ValidationError: a misspelt filter would silently list everything."""
    names = [*known]
    if unknown := sorted(set(request.query_params) - {*names, "format"}):
        raise ValidationError({name: [f"There is no filter “{name}”; there are {', '.join(names)}."] for name in unknown})


class Id(df.Filter):  # type: ignore[misc]
    """The id of a row; one that is not there finds nothing."""

    field_class = forms.IntegerField

    def __init__(self, noun: str, **kwargs: Any) -> None:
        words = f"The {noun} is given by its id, a whole number."
        described = {"type": "integer", "minimum": 1, "description": f"Id of {'an' if noun[0] in 'aeiou' else 'a'} {noun}"}
        extend_schema_field(described)(self)
        super().__init__(min_value=1, max_value=2**63 - 1, error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), words), **kwargs)


class OneOf(df.MultipleChoiceFilter):  # type: ignore[misc]
    """One of a few words; several of them by naming the parameter again."""

    def __init__(self, name: str, choices: Iterable[tuple[str, Any]], **kwargs: Any) -> None:
        options = [(value, label) for value, label in choices]
        words = f"There is no {name} “%(value)s”; there are {', '.join(value for value, _ in options)}."
        super().__init__(choices=options, error_messages={"invalid_choice": words}, **kwargs)


class Moment(df.IsoDateTimeFilter):  # type: ignore[misc]
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(error_messages={"invalid": "Write a time as 2026-11-03T12:00:00Z."}, **kwargs)


class Search(df.CharFilter):  # type: ignore[misc]
    """Every word must be somewhere in one of the columns."""

    def __init__(self, *columns: str, ours: tuple[str, ...] = (), **kwargs: Any) -> None:
        self.columns, self.ours = columns, ours
        words = f"Search for at most {MOST_SEARCH} characters."
        super().__init__(max_length=MOST_SEARCH, error_messages={"max_length": words}, help_text="Words, all of which its names hold", **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        # What only the sellers read is not found by anybody else either.
        columns = (*self.columns, *self.ours) if advertiser_of(self.parent.request.user) is EVERYBODY else self.columns
        for word in (value or "").split():
            found = Q()
            for column in columns:
                found |= Q(**{f"{column}__icontains": word})
            qs = qs.filter(found)
        return qs


class Ordered(df.OrderingFilter):  # type: ignore[misc]
    """Ties are broken by id, so that no row stands on two pages."""

    def __init__(self, *fields: str) -> None:
        choices = [(sign + field, f"{field}, {words}") for field in fields for sign, words in (("", "rising"), ("-", "falling"))]
        words = f"It cannot be ordered by %(value)s; there are {', '.join(fields)}, each with - before it for falling."
        super().__init__(
            choices=choices,
            fields=[(field, field) for field in fields],
            help_text="Several with a comma between them; a minus before one falls",
            error_messages={"invalid_choice": words},
        )

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return qs.order_by(*[self.get_ordering_value(one) for one in value], "pk") if value else qs


class AdvertiserFilters(df.FilterSet):  # type: ignore[misc]
    category = OneOf("category", [(name, name) for name in CATEGORIES])
    search = Search("name", "website")
    ordering = Ordered("name", "created_at")

    class Meta:
        model = Advertiser
        fields: list[str] = []


class CampaignFilters(df.FilterSet):  # type: ignore[misc]
    advertiser = Id("advertiser")
    state = OneOf("state", Campaign.State.choices)
    search = Search("name", "advertiser__name", ours=("notes",))
    running_from = Moment(method="of_flights", help_text="Campaigns with a flight that runs at this time or later")
    running_until = Moment(method="of_flights", help_text="Campaigns with a flight that begins at this time or before")
    ordering = Ordered("name", "created_at")

    class Meta:
        model = Campaign
        fields: list[str] = []

    def of_flights(self, rows: QuerySet[Campaign], name: str, value: Any) -> QuerySet[Campaign]:
        """Both ends are of one flight: a campaign with a flight before and one after does not run in between."""
        data = self.form.cleaned_data
        if name == "running_until" and data.get("running_from"):
            # Read together with the other.
            return rows
        flights = Flight.objects.all()
        if since := data.get("running_from"):
            flights = flights.filter(ends_at__gt=since)
        if until := data.get("running_until"):
            flights = flights.filter(starts_at__lte=until)
        return rows.filter(pk__in=flights.values("campaign"))


class FlightFilters(df.FilterSet):  # type: ignore[misc]
    campaign = Id("campaign")
    advertiser = Id("advertiser", field_name="campaign__advertiser")
    state = OneOf("state", Flight.State.choices)
    tier = OneOf("tier", Flight.Tier.choices)
    pricing = OneOf("pricing", Flight.Pricing.choices)
    goal_type = OneOf("goal type", Flight.Goal.choices)
    at_risk = df.BooleanFilter(method="endangered", help_text="Whether its forecast warns that the goal is in danger; only live ones are")
    running_from = Moment(field_name="ends_at", lookup_expr="gt", help_text="Flights that run at this time or later")
    running_until = Moment(field_name="starts_at", lookup_expr="lte", help_text="Flights that begin at this time or before")
    search = Search("name", "campaign__name", "campaign__advertiser__name")
    ordering = Ordered("name", "campaign", "starts_at", "ends_at", "priority")

    class Meta:
        model = Flight
        fields: list[str] = []

    def endangered(self, rows: QuerySet[Flight], name: str, value: bool) -> QuerySet[Flight]:  # noqa: FBT001 (django-filter calls it so)
        danger = Q(state=Flight.State.LIVE, forecast__isnull=False) & ~Q(forecast__warning="")
        return rows.filter(danger) if value else rows.exclude(danger)


class AdFilters(df.FilterSet):  # type: ignore[misc]
    flight = Id("flight")
    campaign = Id("campaign", field_name="flight__campaign")
    advertiser = Id("advertiser", field_name="flight__campaign__advertiser")
    review = OneOf("review", Ad.Review.choices)
    category = OneOf("category", [(name, name) for name in CATEGORIES])
    universal_ad_id = df.CharFilter(help_text="Exactly this one", max_length=100)
    search = Search("name", "headline", "universal_ad_id", "flight__name")
    ordering = Ordered("name", "flight")

    class Meta:
        model = Ad
        fields: list[str] = []


class AdPolicyFilters(df.FilterSet):  # type: ignore[misc]
    title = Id("title")

    class Meta:
        model = AdPolicy
        fields: list[str] = []
