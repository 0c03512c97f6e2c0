"""The forms: terms in the planner's own units, checked together by the models."""

from __future__ import annotations

import calendar
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from ads import vocabulary
from ads.countries import COUNTRIES
from ads.ctr.features import AGE_BANDS, CATEGORIES, DEVICES, GENDERS, MOODS, TIERS
from ads.models import AdPolicy, Campaign, Flight
from ads.money import write_amount
from ads.terms import LARGEST_GOAL
from catalog.models import Genre, Title

from .fields import CapsField, GoalField, MoneyField, ShareField, TargetingField

Choices = dict[str, tuple[str, list[tuple[str | int, str]]]]


def targeting_choices() -> Choices:
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


class Terms(forms.ModelForm):  # type: ignore[type-arg]
    """Targeting as boxes and lists, caps as lines: on campaigns and flights alike."""

    frequency_caps = CapsField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "targeting" in self.fields:
            self.fields["targeting"] = TargetingField(targeting_choices())


class CampaignForm(Terms):
    frequency_caps = CapsField(scope="campaign", help_text="Counted over all its flights together. One a line: “3 per day”, “20 per lifetime”")

    class Meta:
        model = Campaign
        fields = ["advertiser", "name", "currency", "targeting", "frequency_caps", "notes"]


class FlightForm(Terms):
    share_of_voice = ShareField(label="Share of voice", required=False, help_text="Of the breaks it matches, in percent")
    bid_micros = MoneyField(label="Bid", required=False, help_text="For 1,000 impressions (CPM), one completed view (CPCV) or one click (CPC)")
    budget_micros = MoneyField(label="Budget", required=False, help_text="Hard stop over the flight's life: never a micro more is billed")
    daily_budget_micros = MoneyField(label="Daily budget", required=False, help_text="Per UTC day; empty for none")
    goal_amount = GoalField(label="Goal", help_text="How many, or an amount of money when the goal is spend; empty: until dates or budget end")
    daily_goal_amount = GoalField(label="Daily goal", help_text="Of the same kind, per UTC day; empty for none")
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
            "campaign", "name", "tier", "share_of_voice", "starts_at", "ends_at", "pricing", "bid_micros", "goal_type", "goal_amount",
            "daily_goal_amount", "budget_micros", "daily_budget_micros", "pacing", "priority", "slot_position", "exclusivity", "targeting",
            "frequency_caps", "strict_caps", "excluded_categories",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.goal_type == Flight.Goal.SPEND:
            for name in ("goal_amount", "daily_goal_amount"):
                amount = getattr(self.instance, name)
                self.initial[name] = None if amount is None else write_amount(amount)

    def clean(self) -> dict[str, Any]:
        """Fields that the tier does not have are emptied, and goals become micros when they are money."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        tier = cleaned.get("tier")
        if tier != Flight.Tier.SPONSORSHIP:
            cleaned["share_of_voice"] = None
        if tier == Flight.Tier.HOUSE:
            nothing = {"bid_micros": 0, "budget_micros": 0, "daily_budget_micros": None, "goal_amount": None, "daily_goal_amount": None}
            return cleaned | nothing | {"goal_type": Flight.Goal.IMPRESSIONS}
        for name in ("bid_micros", "budget_micros"):
            if name in cleaned and cleaned[name] is None:
                # The rules say in words what is missing.
                cleaned[name] = 0
        for name in ("goal_amount", "daily_goal_amount"):
            if name in cleaned:
                self._read_goal(name, cleaned)
        return cleaned

    def _read_goal(self, name: str, cleaned: dict[str, Any]) -> None:
        text = str(cleaned[name] or "").replace(",", "").strip()
        try:
            amount = MoneyField().to_python(text) if cleaned.get("goal_type") == Flight.Goal.SPEND else int(text) if text else None
        except (ValueError, forms.ValidationError):
            self.add_error(name, "The goal is a whole number, or an amount of money when the goal is spend.")
            return
        if amount is not None and cleaned.get("goal_type") != Flight.Goal.SPEND and amount > LARGEST_GOAL:
            self.add_error(name, f"A goal is at most {LARGEST_GOAL:,}.")
            return
        cleaned[name] = amount
        if amount is not None and amount < 1:
            self.add_error(name, "The goal must be at least 1.")


class AdPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    reserve_micros = MoneyField(label="Reserve price", help_text="Least price of 1,000 impressions here: who bids less never wins")

    class Meta:
        model = AdPolicy
        fields = [
            "title", "pre_roll", "mid_rolls", "post_roll", "most_breaks", "spacing_seconds", "break_seconds", "break_ads", "seconds_per_hour",
            "long_watch_seconds", "ad_free_seconds", "creative_gap_seconds", "reserve_micros", "house_ads",
        ]  # fmt: skip
