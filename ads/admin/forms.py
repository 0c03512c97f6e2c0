"""The flight form: terms in the planner's own units, checked together by the model."""

from __future__ import annotations

import calendar
from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from ads import vocabulary
from ads.countries import COUNTRIES
from ads.ctr.features import AGE_BANDS, CATEGORIES, DEVICES, GENDERS, MOODS, TIERS
from ads.models import Flight
from ads.terms import MICROS
from catalog.models import Genre, Title

from .fields import CapsField, MoneyField, TargetingField


def targeting_choices() -> dict[str, tuple[str, list[tuple[str | int, str]]]]:
    """Key -> (label, [(value, words)])."""

    def plain(values: tuple[str, ...]) -> list[tuple[str | int, str]]:
        return [(value, value.replace("_", " ").capitalize() if value.islower() else value) for value in values]

    known = vocabulary.current()
    titles = dict(Title.objects.values_list("id", "name"))
    segments = vocabulary.segments()
    return {
        "titles": ("Titles", [(title, titles[title]) for title in known.titles]),
        "genres": ("Genres", list(Genre.objects.values_list("slug", "name"))),
        "maturity": ("Maturity ratings", plain(known.maturity)),
        "moods": ("Mood of the scene before the break", plain(MOODS)),
        "tags": ("What the scene before the break shows", plain(known.tags)),
        "break_positions": ("Place of the break", [("pre", "Before the film"), ("mid", "In the film"), ("post", "After the film")]),
        "devices": ("Devices", [("tv", "TV"), *((value, words) for value, words in plain(DEVICES) if value != "tv")]),
        "tiers": ("Subscriptions", [("ads", "With ads"), ("standard", "Standard with ads")] if set(TIERS) == {"ads", "standard"} else plain(TIERS)),
        "age_bands": ("Age", plain(AGE_BANDS)),
        "genders": ("Gender", plain(GENDERS)),
        "countries": ("Countries", plain(COUNTRIES)),
        "dayparts": ("Hours of the viewer's day", [(hour, f"{hour:02d}") for hour in range(24)]),
        "weekdays": ("Days of the viewer's week", list(enumerate(calendar.day_name))),
        "segments": ("Segments", [(slug, segments[slug]) for slug in known.segments]),
    }


class FlightForm(forms.ModelForm):  # type: ignore[type-arg]
    bid_micros = MoneyField(label="Bid", help_text="For 1,000 impressions (CPM), one completed view (CPCV) or one click (CPC)")
    budget_micros = MoneyField(label="Budget", help_text="Hard stop over the flight's life: never a micro more is billed")
    daily_budget_micros = MoneyField(label="Daily budget", required=False, help_text="Per UTC day; empty for none")
    goal_amount = forms.CharField(
        label="Goal",
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text="How many impressions, completed views or clicks; an amount of money when the goal is spend",
    )
    frequency_caps = CapsField(
        help_text="One a line: “3 per day”, “2 per 30 minutes per campaign”, “1 per break per advertiser”, “2 per playback”, “10 per lifetime”"
    )
    excluded_categories = forms.MultipleChoiceField(
        required=False,
        choices=[(value, value.replace("_", " ").capitalize()) for value in CATEGORIES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        label="Keep away from",
        help_text="Ad categories that may not stand beside this one in a break",
    )

    class Meta:
        model = Flight
        fields = [
            "campaign", "name", "starts_at", "ends_at", "pricing", "bid_micros", "goal_type", "goal_amount", "budget_micros", "daily_budget_micros",
            "pacing", "priority", "targeting", "frequency_caps", "strict_caps", "excluded_categories",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "targeting" in self.fields:
            self.fields["targeting"] = TargetingField(targeting_choices())
        if self.instance.pk and self.instance.goal_type == Flight.Goal.SPEND:
            self.initial["goal_amount"] = f"{(Decimal(self.instance.goal_amount) / MICROS).normalize():f}"

    def clean(self) -> dict[str, Any]:
        """The goal becomes micros when it is money."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        text = str(cleaned.get("goal_amount", "")).replace(",", "").strip()
        spend = cleaned.get("goal_type") == Flight.Goal.SPEND
        try:
            amount = MoneyField().to_python(text) if spend else int(text)
        except (ValueError, forms.ValidationError):
            self.add_error("goal_amount", "The goal is a whole number, or an amount of money when the goal is spend.")
        else:
            cleaned["goal_amount"] = amount
            if not amount or amount < 1:
                self.add_error("goal_amount", "The goal must be at least 1.")
        return cleaned
