"""Advertiser > campaign > flight > ad, and what was decided, counted and charged.

Money is integer micros of the installation's currency. Viewers, playback sessions and titles are opaque ids here: this
floor has no foreign key upstairs, and only catalogue rows below it.
"""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from catalog.models import Genre, MediaAsset

from . import terms


class BillingRowsStay(TypeError):
    """Somebody tried to delete or rewrite what was decided, counted or charged. Corrections are new rows."""


Row = TypeVar("Row", bound=models.Model)


class PermanentQuerySet(models.QuerySet[Row]):
    def delete(self) -> NoReturn:
        raise BillingRowsStay(f"{self.model.__name__} rows are never deleted; write a reversal instead")


class PermanentManager(models.Manager[Row]):
    def get_queryset(self) -> PermanentQuerySet[Row]:
        return PermanentQuerySet(self.model, using=self._db)


class Permanent(models.Model):
    """Rows that money rests on: nobody deletes them, not even a superuser."""

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise BillingRowsStay(f"{type(self).__name__} rows are never deleted; write a reversal instead")


class Advertiser(models.Model):
    name = models.CharField(max_length=120, unique=True)
    category = models.CharField(max_length=40, help_text="Industry, for example automotive or travel")
    website = models.URLField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class AdvertiserMember(models.Model):
    """Someone at the advertiser: sees this advertiser's rows and nobody else's."""

    advertiser = models.ForeignKey(Advertiser, on_delete=models.CASCADE, related_name="members")
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="advertiser_membership")

    def __str__(self) -> str:
        return f"{self.user} at {self.advertiser}"


class Campaign(models.Model):
    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        ENDED = "ended"

    advertiser = models.ForeignKey(Advertiser, on_delete=models.PROTECT, related_name="campaigns")
    name = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Flight(models.Model):
    """What was sold: dates, a goal, a price, and whom it may reach.

    ``targeting`` holds, each key optional, lists of values a request must match: ``genres``, ``devices``, ``tiers``,
    ``age_bands``, ``genders``, and ``dayparts`` as hours 0-23 of the viewer's zone. ``frequency_caps`` is
    ``[{"scope": "viewer", "count": n, "seconds": s}]``.
    """

    class State(models.TextChoices):
        DRAFT = "draft"
        LIVE = "live"
        PAUSED = "paused"
        ENDED = "ended"

    class Pricing(models.TextChoices):
        CPM = "cpm", "CPM"
        CPCV = "cpcv", "CPCV"
        CPC = "cpc", "CPC"

    class Goal(models.TextChoices):
        IMPRESSIONS = "impressions"
        COMPLETED_VIEWS = "completed_views"
        CLICKS = "clicks"
        SPEND = "spend"

    class Pacing(models.TextChoices):
        ASAP = "asap", "As fast as possible"
        EVEN = "even", "Even"
        FRONT_LOADED = "front_loaded", "Front-loaded"

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="flights")
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    pricing = models.CharField(max_length=5, choices=Pricing, default=Pricing.CPM)
    bid_micros = models.BigIntegerField(
        validators=[MinValueValidator(0)], help_text="Micros for 1,000 impressions (CPM), a completed view or a click"
    )
    goal_type = models.CharField(max_length=16, choices=Goal, default=Goal.IMPRESSIONS)
    goal_amount = models.BigIntegerField(validators=[MinValueValidator(1)], help_text="Count, or micros when the goal is spend")
    budget_micros = models.BigIntegerField(validators=[MinValueValidator(0)], help_text="Hard stop over the flight's life")
    daily_budget_micros = models.BigIntegerField(null=True, blank=True, validators=[MinValueValidator(0)])
    pacing = models.CharField(max_length=12, choices=Pacing, default=Pacing.EVEN)
    priority = models.PositiveSmallIntegerField(default=5, validators=[MinValueValidator(1), MaxValueValidator(10)], help_text="1 serves first")
    targeting = models.JSONField(default=dict, blank=True)
    frequency_caps = models.JSONField(default=list, blank=True)
    excluded_categories = models.JSONField(default=list, blank=True, help_text="Ad categories that may not stand beside this one in a pod")
    strict_caps = models.BooleanField(default=False, help_text="Do not serve where caps cannot be counted")
    history = HistoricalRecords()

    class Meta:
        ordering = ["campaign", "name"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "name"], name="flight_name_once_per_campaign"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="flight_ends_after_it_starts"),
            models.CheckConstraint(condition=Q(bid_micros__gte=0) & Q(budget_micros__gte=0), name="flight_money_not_negative"),
            models.CheckConstraint(condition=Q(goal_amount__gte=1), name="flight_goal_at_least_one"),
            models.CheckConstraint(condition=Q(priority__gte=1) & Q(priority__lte=10), name="flight_priority_1_to_10"),
            models.CheckConstraint(
                condition=Q(daily_budget_micros__isnull=True) | Q(daily_budget_micros__gte=0), name="flight_daily_budget_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign.name} / {self.name}"

    def clean(self) -> None:
        """Raises ValidationError with a sentence for each field that makes no sense to a media planner."""
        problems: dict[str, list[str]] = {}
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            problems["ends_at"] = ["The flight ends before it starts."]
        vocabulary = terms.Vocabulary(tuple(Genre.objects.values_list("slug", flat=True)))
        problems["targeting"] = list(terms.targeting_problems(self.targeting, vocabulary))
        problems["frequency_caps"] = list(terms.cap_problems(self.frequency_caps))
        problems["excluded_categories"] = list(terms.category_problems(self.excluded_categories))
        if None not in (self.bid_micros, self.budget_micros, self.goal_amount):
            money = terms.money_problems(
                pricing=self.pricing, bid_micros=self.bid_micros, goal_type=self.goal_type, budget_micros=self.budget_micros,
                daily=self.daily_budget_micros,
            )  # fmt: skip
            for field, words in money:
                problems.setdefault(field, []).append(words)
        if found := {field: words for field, words in problems.items() if words}:
            raise ValidationError(found)


class FlightBalance(Permanent):
    """What is booked on a flight: the hard stop. Changed only by a conditional UPDATE in the ledger."""

    flight = models.OneToOneField(Flight, on_delete=models.PROTECT, primary_key=True, related_name="balance")
    booked_micros = models.BigIntegerField(default=0)
    impressions = models.BigIntegerField(default=0)
    completed_views = models.BigIntegerField(default=0)
    clicks = models.BigIntegerField(default=0)
    day = models.DateField(null=True, blank=True, help_text="UTC day of day_booked_micros")
    day_booked_micros = models.BigIntegerField(default=0)

    objects = PermanentManager["FlightBalance"]()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(booked_micros__gte=0), name="balance_not_negative")]

    def __str__(self) -> str:
        return f"{self.booked_micros} micros booked on flight {self.flight_id}"


class Ad(models.Model):
    class Review(models.TextChoices):
        UPLOADED = "uploaded"
        PROCESSING = "processing"
        IN_REVIEW = "in_review"
        APPROVED = "approved"
        REJECTED = "rejected"

    flight = models.ForeignKey(Flight, on_delete=models.PROTECT, related_name="ads")
    name = models.CharField(max_length=120)
    asset = models.ForeignKey(MediaAsset, on_delete=models.PROTECT, related_name="ads")
    category = models.CharField(max_length=40)
    click_through = models.URLField(max_length=500)
    skip_after = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text="Seconds until the viewer may skip; empty: never"
    )
    universal_ad_id = models.CharField(max_length=100, unique=True)
    review = models.CharField(max_length=10, choices=Review, default=Review.UPLOADED)
    history = HistoricalRecords()

    class Meta:
        ordering = ["flight", "name"]
        constraints = [models.UniqueConstraint(fields=["flight", "name"], name="ad_name_once_per_flight")]

    def __str__(self) -> str:
        return self.name


class InventorySnapshot(models.Model):
    """The flights and ads that decisions were made from, named by the hash of their content; replays need it."""

    version = models.BigIntegerField(primary_key=True)
    built_at = models.DateTimeField(auto_now_add=True)
    rows = models.BinaryField(help_text="ads.decision.inventory.Rows as msgpack")

    def __str__(self) -> str:
        return f"Inventory {self.version}"


class Decision(Permanent):
    """One break decided: who could have served, who did, at what price and why. Partitioned by day; written by the consumer."""

    partitioned_by_day = True

    id = models.UUIDField(primary_key=True)
    day = models.DateField()
    decided_at = models.DateTimeField()
    session = models.UUIDField()
    viewer = models.UUIDField(null=True)
    title = models.BigIntegerField(null=True)
    break_id = models.CharField(max_length=40)
    request = models.JSONField(help_text="The AdRequest as decided")
    state = models.JSONField(help_text="Delivery state read for this decision")
    slots = models.JSONField(help_text="Per slot: ad, flight, campaign, price, pctr, propensity, randomised, features as served")
    explanation = models.JSONField(help_text="Per candidate: reason code, and the parts of the score for the best twenty")
    model_version = models.PositiveIntegerField(null=True, help_text="ModelVersion number of the scorer; empty for the prior")
    inventory_version = models.BigIntegerField(default=0)
    seed = models.BigIntegerField(default=0)
    milliseconds = models.FloatField(default=0)
    synthetic = models.BooleanField(default=False)

    objects = PermanentManager["Decision"]()

    class Meta:
        indexes = [
            models.Index(fields=["session"], name="decision_session"),
            models.Index(fields=["decided_at"], name="decision_time"),
        ]

    def __str__(self) -> str:
        return f"{self.break_id} of {self.session}"


class AdEvent(Permanent):
    """One tracking event, once, valid or with the reason why not. Partitioned by day; written by the consumer."""

    partitioned_by_day = True

    id = models.UUIDField(primary_key=True)
    day = models.DateField()
    type = models.CharField(max_length=32)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    decision = models.UUIDField()
    slot = models.PositiveSmallIntegerField()
    session = models.UUIDField()
    viewer = models.UUIDField(null=True)
    title = models.BigIntegerField(null=True)
    ad = models.BigIntegerField()
    flight = models.BigIntegerField()
    campaign = models.BigIntegerField()
    price_micros = models.BigIntegerField(default=0)
    valid = models.BooleanField(default=True)
    reason = models.CharField(max_length=40, blank=True)
    data = models.JSONField(default=dict)
    synthetic = models.BooleanField(default=False)

    objects = PermanentManager["AdEvent"]()

    class Meta:
        indexes = [
            models.Index(fields=["decision", "slot"], name="ad_event_decision"),
            models.Index(fields=["occurred_at"], name="ad_event_time"),
        ]

    def __str__(self) -> str:
        return f"{self.type} of {self.decision}/{self.slot}"


class LedgerEntry(Permanent):
    """Append-only. A correction is a reversal row, never an edit."""

    class Kind(models.TextChoices):
        IMPRESSION = "impression"
        COMPLETED_VIEW = "completed_view"
        CLICK = "click"
        REVERSAL = "reversal"

    decision = models.UUIDField()
    slot = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=16, choices=Kind)
    flight = models.ForeignKey(Flight, on_delete=models.PROTECT, related_name="ledger")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="ledger")
    advertiser = models.ForeignKey(Advertiser, on_delete=models.PROTECT, related_name="ledger")
    ad = models.ForeignKey(Ad, on_delete=models.PROTECT, related_name="ledger")
    amount_micros = models.BigIntegerField()
    reason = models.CharField(max_length=40, blank=True, help_text="Why the amount is 0 or negative, for example over_budget")
    event = models.UUIDField()
    occurred_at = models.DateTimeField()
    booked_at = models.DateTimeField()
    synthetic = models.BooleanField(default=False)

    objects = PermanentManager["LedgerEntry"]()

    class Meta:
        ordering = ["-booked_at"]
        verbose_name_plural = "ledger entries"
        constraints = [models.UniqueConstraint(fields=["decision", "slot", "kind"], name="charged_once")]
        indexes = [models.Index(fields=["booked_at"], name="ledger_booked"), models.Index(fields=["flight", "booked_at"], name="ledger_flight")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_micros} on flight {self.flight_id}"


class DeliveryRollup(models.Model):
    """Additive figures of ad delivery in one bucket of event time, per ad, title, device and origin."""

    bucket = models.DateTimeField()
    advertiser_id = models.BigIntegerField()
    campaign_id = models.BigIntegerField()
    flight_id = models.BigIntegerField()
    ad_id = models.BigIntegerField()
    title_id = models.BigIntegerField(default=0, help_text="0 when unknown")
    genre = models.CharField(max_length=40, default="", help_text="Slug of the title's first genre")
    device = models.CharField(max_length=20, default="")
    synthetic = models.BooleanField(default=False)
    decided = models.BigIntegerField(default=0, help_text="Slots won")
    impressions = models.BigIntegerField(default=0)
    first_quartiles = models.BigIntegerField(default=0)
    midpoints = models.BigIntegerField(default=0)
    third_quartiles = models.BigIntegerField(default=0)
    completed_views = models.BigIntegerField(default=0)
    skips = models.BigIntegerField(default=0)
    clicks = models.BigIntegerField(default=0)
    errors = models.BigIntegerField(default=0)
    invalid = models.BigIntegerField(default=0)
    revenue_micros = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class DeliveryMinute(DeliveryRollup):
    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bucket", "ad_id", "flight_id", "campaign_id", "advertiser_id", "title_id", "genre", "device", "synthetic"],
                name="delivery_minute_key",
            )
        ]


class DeliveryHour(DeliveryRollup):
    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bucket", "ad_id", "flight_id", "campaign_id", "advertiser_id", "title_id", "genre", "device", "synthetic"],
                name="delivery_hour_key",
            )
        ]


class DeliveryDay(DeliveryRollup):
    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bucket", "ad_id", "flight_id", "campaign_id", "advertiser_id", "title_id", "genre", "device", "synthetic"],
                name="delivery_day_key",
            )
        ]


class BreakRollup(models.Model):
    """Additive figures of ad breaks asked for and filled, per title and device, in one bucket of decision time."""

    bucket = models.DateTimeField()
    title_id = models.BigIntegerField(default=0)
    genre = models.CharField(max_length=40, default="")
    device = models.CharField(max_length=20, default="")
    synthetic = models.BooleanField(default=False)
    requests = models.BigIntegerField(default=0)
    filled = models.BigIntegerField(default=0, help_text="Requests with at least one ad")
    slots_offered = models.BigIntegerField(default=0)
    slots_filled = models.BigIntegerField(default=0)
    unfilled_milliseconds = models.BigIntegerField(default=0)
    decision_microseconds = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class BreakMinute(BreakRollup):
    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "title_id", "genre", "device", "synthetic"], name="break_minute_key")]


class BreakHour(BreakRollup):
    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "title_id", "genre", "device", "synthetic"], name="break_hour_key")]


class BreakDay(BreakRollup):
    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "title_id", "genre", "device", "synthetic"], name="break_day_key")]
