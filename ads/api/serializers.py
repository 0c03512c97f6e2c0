"""Rows as JSON. Whether they make sense is the models' to say: one place for admin and API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from ads.models import Ad, AdPolicy, Advertiser, Campaign, Flight
from ads.outlook import warnings_of
from ads.scope import EVERYBODY, advertiser_of, visible_to

from .money import AmountField, GoalField, amount_of, count_of
from .term_fields import CapsField, CategoriesField, TargetingField

# JSON name -> column, where they differ: money is in micros in the tables and in units of currency here.
COLUMNS = {
    "bid": "bid_micros",
    "budget": "budget_micros",
    "daily_budget": "daily_budget_micros",
    "goal": "goal_amount",
    "daily_goal": "daily_goal_amount",
    "reserve": "reserve_micros",
}
NAMES = {column: name for name, column in COLUMNS.items()}


class RowSerializer(serializers.ModelSerializer[Any]):
    """Unknown fields are refused: a misspelt one would silently sell something else."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := sorted(set(map(str, data)) - set(self.fields))):
            raise serializers.ValidationError({name: ["There is no such field."] for name in unknown})
        if isinstance(data, Mapping) and (fixed := sorted(name for name in data if self.fields[name].read_only)):
            raise serializers.ValidationError({name: ["This is not changed by writing it; see the actions."] for name in fixed})
        return super().to_internal_value(data)

    def build_relational_field(self, field_name: str, relation_info: Any) -> Any:
        """The id of a row that is not there is told in words."""
        kind, options = super().build_relational_field(field_name, relation_info)
        if "queryset" in options and (request := self.context.get("request")) is not None:
            options["queryset"] = visible_to(request.user, options["queryset"].all())
        words = {"does_not_exist": f"There is no {field_name} {{pk_value}}.", "incorrect_type": f"The {field_name} is given by its id, a number."}
        return kind, {**options, "error_messages": words}

    def get_validators(self) -> list[Any]:
        """None of the serializer's own: the model checks uniqueness too, in the same sentences as the admin."""
        return []


class AdvertiserSerializer(RowSerializer):
    class Meta:
        model = Advertiser
        fields = ["id", "name", "category", "website", "created_at"]
        read_only_fields = ["created_at"]


class CampaignSerializer(RowSerializer):
    targeting = TargetingField(required=False)
    frequency_caps = CapsField(required=False)

    class Meta:
        model = Campaign
        fields = ["id", "advertiser", "name", "state", "currency", "targeting", "frequency_caps", "notes", "created_at"]
        read_only_fields = ["state", "created_at"]

    def to_representation(self, instance: Campaign) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        request = self.context.get("request")
        # Notes are the sellers' own.
        return shown if request is None or advertiser_of(request.user) is EVERYBODY else shown | {"notes": ""}


class FlightSerializer(RowSerializer):
    """``goal`` and ``daily_goal`` count events, or are amounts of money when ``goal_type`` is spend."""

    targeting = TargetingField(required=False)
    frequency_caps = CapsField(required=False)
    excluded_categories = CategoriesField(required=False)
    bid = AmountField(source="bid_micros", required=False)
    budget = AmountField(source="budget_micros", required=False)
    daily_budget = AmountField(source="daily_budget_micros", required=False, allow_null=True)
    goal = GoalField(source="goal_amount", required=False, allow_null=True)
    daily_goal = GoalField(source="daily_goal_amount", required=False, allow_null=True)
    warnings = serializers.SerializerMethodField(help_text="Why it will hardly deliver, in words; empty when nothing speaks against it")

    class Meta:
        model = Flight
        fields = [
            "id", "campaign", "name", "state", "tier", "share_of_voice", "starts_at", "ends_at", "pricing", "bid", "goal_type", "goal", "daily_goal",
            "budget", "daily_budget", "pacing", "priority", "targeting", "frequency_caps", "strict_caps", "exclusivity", "slot_position",
            "excluded_categories", "warnings",
        ]  # fmt: skip
        read_only_fields = ["state"]

    def get_warnings(self, flight: Flight) -> list[str]:
        # On a list it would cost several queries a row.
        return warnings_of(flight) if self.context.get("single") else []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kind = attrs.get("goal_type", getattr(self.instance, "goal_type", Flight.Goal.IMPRESSIONS))
        for name in ("goal", "daily_goal"):
            value = attrs.get(COLUMNS[name])
            if value is not None:
                try:
                    attrs[COLUMNS[name]] = amount_of(value) if kind == Flight.Goal.SPEND else count_of(value)
                except serializers.ValidationError as error:
                    raise serializers.ValidationError({name: error.detail}) from error
        # House flights have neither; for the others the rules say in words that they are missing.
        return attrs if self.instance else {"bid_micros": 0, "budget_micros": 0} | attrs

    def to_representation(self, instance: Flight) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if instance.goal_type == Flight.Goal.SPEND:
            for name in ("goal", "daily_goal"):
                value = getattr(instance, COLUMNS[name])
                shown[name] = None if value is None else AmountField().to_representation(value)
        return shown


class AdSerializer(RowSerializer):
    class Meta:
        model = Ad
        fields = ["id", "flight", "name", "asset", "category", "headline", "click_through", "skip_after", "universal_ad_id", "review", "review_note"]
        read_only_fields = ["review", "review_note"]


class ReviewSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, help_text="Read by whoever made the ad; needed to reject one")


class AdPolicySerializer(RowSerializer):
    """``title`` is empty for the policy of every title that has none of its own."""

    reserve = AmountField(source="reserve_micros", required=False)

    class Meta:
        model = AdPolicy
        fields = [
            "id", "title", "pre_roll", "mid_rolls", "post_roll", "most_breaks", "spacing_seconds", "break_seconds", "break_ads", "seconds_per_hour",
            "long_watch_seconds", "ad_free_seconds", "creative_gap_seconds", "reserve", "house_ads",
        ]  # fmt: skip


def as_json(problems: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """A model's ValidationError by the names used here."""
    return {NAMES.get(field, "detail" if field == "__all__" else field): sentences for field, sentences in problems.items()}
