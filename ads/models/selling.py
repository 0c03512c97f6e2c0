"""What is sold and steered: advertiser > campaign > flight > ad, and how many ads a title carries. Money in integer micros."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from catalog.models import MediaAsset, Title


def installation_currency() -> str:
    return settings.CURRENCY


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
    currency = models.CharField(max_length=3, default=installation_currency, help_text="In which its flights were sold; the installation's own")
    targeting = models.JSONField(default=dict, blank=True, help_text="For every flight of the campaign; a flight narrows it")
    frequency_caps = models.JSONField(default=list, blank=True, help_text="Counted over the whole campaign")
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises ValidationError with a sentence for each field that makes no sense, for the campaign or for one of its flights."""
        from ads.selling import checks

        checks.refuse(checks.campaign_problems(self))


class Flight(models.Model):
    """What was sold: dates, a goal, a price, and whom it may reach.

    ``targeting`` is ``{"include": {key: [values]}, "exclude": {key: [values]}}``, every part optional; `ads.terms.KEYS` names
    the keys. ``frequency_caps`` is ``[{"scope": "flight", "count": 3, "per": "day", "times": 1}]``: at most ``count`` of the
    scope's impressions to one viewer in ``times`` units of ``per``; `ads.terms` names scopes and units.
    """

    class Tier(models.TextChoices):
        SPONSORSHIP = "sponsorship", "Sponsorship: a share of voice"
        STANDARD = "standard", "Standard: a guaranteed goal"
        PRICE_PRIORITY = "price_priority", "Price priority: who pays most"
        HOUSE = "house", "House: fills what is left"

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

    class Exclusivity(models.TextChoices):
        POD = "pod", "Alone of its advertiser and category in a break"
        STREAM = "stream", "Alone of its advertiser and category in a playback"

    class SlotPosition(models.TextChoices):
        ANY = "any", "Anywhere in a break"
        FIRST = "first", "Opens the break"
        LAST = "last", "Closes the break"

    class Pacing(models.TextChoices):
        ASAP = "asap", "As fast as possible"
        EVEN = "even", "Even"
        FRONT_LOADED = "front_loaded", "Front-loaded"

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="flights")
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    tier = models.CharField(max_length=14, choices=Tier, default=Tier.STANDARD)
    share_of_voice = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.01), MaxValueValidator(1)],
        help_text="Sponsorships alone: the share of the breaks it matches, 0-1",
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    pricing = models.CharField(max_length=5, choices=Pricing, default=Pricing.CPM)
    bid_micros = models.BigIntegerField(
        validators=[MinValueValidator(0)], help_text="Micros for 1,000 impressions (CPM), a completed view or a click"
    )
    goal_type = models.CharField(max_length=16, choices=Goal, default=Goal.IMPRESSIONS)
    goal_amount = models.BigIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Count, or micros when the goal is spend; empty: until dates or budget end",
    )
    daily_goal_amount = models.BigIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Of the same kind, per UTC day; empty for none"
    )
    budget_micros = models.BigIntegerField(
        validators=[MinValueValidator(0)], help_text="Hard stop over the flight's life; 0 for house flights, which cost nothing"
    )
    daily_budget_micros = models.BigIntegerField(null=True, blank=True, validators=[MinValueValidator(0)])
    pacing = models.CharField(max_length=12, choices=Pacing, default=Pacing.EVEN)
    priority = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(10)], help_text="Within its tier; 1 serves first"
    )
    targeting = models.JSONField(default=dict, blank=True)
    frequency_caps = models.JSONField(default=list, blank=True)
    exclusivity = models.CharField(max_length=6, choices=Exclusivity, default=Exclusivity.POD)
    slot_position = models.CharField(max_length=5, choices=SlotPosition, default=SlotPosition.ANY)
    excluded_categories = models.JSONField(default=list, blank=True, help_text="Ad categories that may not stand beside this one in a pod")
    strict_caps = models.BooleanField(default=False, help_text="Do not serve where caps cannot be counted")
    history = HistoricalRecords()

    class Meta:
        ordering = ["campaign", "name"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "name"], name="flight_name_once_per_campaign"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="flight_ends_after_it_starts"),
            models.CheckConstraint(condition=Q(bid_micros__gte=0) & Q(budget_micros__gte=0), name="flight_money_not_negative"),
            models.CheckConstraint(condition=Q(goal_amount__isnull=True) | Q(goal_amount__gte=1), name="flight_goal_at_least_one"),
            models.CheckConstraint(condition=Q(daily_goal_amount__isnull=True) | Q(daily_goal_amount__gte=1), name="flight_daily_goal_at_least_one"),
            models.CheckConstraint(
                condition=Q(share_of_voice__isnull=True) | Q(share_of_voice__gt=0, share_of_voice__lte=1), name="flight_share_of_voice_is_a_share"
            ),
            models.CheckConstraint(condition=Q(priority__gte=1) & Q(priority__lte=10), name="flight_priority_1_to_10"),
            models.CheckConstraint(
                condition=Q(daily_budget_micros__isnull=True) | Q(daily_budget_micros__gte=0), name="flight_daily_budget_not_negative"
            ),
        ]
        indexes = [models.Index(fields=["state", "ends_at"], name="flight_state_end")]

    def __str__(self) -> str:
        return f"{self.campaign.name} / {self.name}"

    def clean(self) -> None:
        """Raises ValidationError with a sentence for each field that makes no sense to a media planner."""
        # The rules read other rows, and so stand above the models.
        from ads.selling import checks

        checks.refuse(checks.flight_problems(self))


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
    ad_id_registry = models.CharField(
        max_length=60, default="unknown", db_default="unknown", help_text="Who gave the universal ad id, for example ad-id.org; unknown: nobody else"
    )
    headline = models.CharField(max_length=90, blank=True, db_default="", default="", help_text="Shown beside the clip while it plays; empty: none")
    review = models.CharField(max_length=10, choices=Review, default=Review.UPLOADED)
    review_note = models.CharField(max_length=300, blank=True, db_default="", default="", help_text="Why it was rejected, or what to mind")
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = HistoricalRecords()

    class Meta:
        ordering = ["flight", "name"]
        permissions = [("approve_ad", "Can approve and reject ads")]
        constraints = [models.UniqueConstraint(fields=["flight", "name"], name="ad_name_once_per_flight")]
        indexes = [models.Index(fields=["review"], condition=~Q(review="approved"), name="ad_not_approved")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises ValidationError for a category nobody sells, and for a clip that is no ad."""
        from ads.selling import checks

        checks.refuse(checks.ad_problems(self))


class AdPolicy(models.Model):
    """How many ads a title carries: which breaks, how far apart, how long, and what an impression costs at least.

    The row without a title holds for every title that has none of its own.
    """

    title = models.OneToOneField(Title, null=True, blank=True, on_delete=models.CASCADE, related_name="ad_policy")
    pre_roll = models.BooleanField(default=False)
    mid_rolls = models.BooleanField(default=True)
    post_roll = models.BooleanField(default=False)
    most_breaks = models.PositiveSmallIntegerField(null=True, blank=True, help_text="In one playback; empty: as many as the author allows")
    spacing_seconds = models.PositiveIntegerField(default=0, help_text="Of film between two breaks, at least")
    break_seconds = models.PositiveIntegerField(default=30, validators=[MinValueValidator(5), MaxValueValidator(600)])
    break_ads = models.PositiveSmallIntegerField(default=2, validators=[MinValueValidator(1), MaxValueValidator(10)])
    seconds_per_hour = models.PositiveIntegerField(default=720, help_text="Most seconds of ads in any hour of watching")
    long_watch_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="After so long a watch comes a stretch without ads; empty: never"
    )
    ad_free_seconds = models.PositiveIntegerField(default=0, help_text="How long that stretch is, in seconds of film")
    creative_gap_seconds = models.PositiveIntegerField(default=120, help_text="Between two showings of the same ad to one viewer, at least")
    reserve_micros = models.BigIntegerField(default=1_000_000, validators=[MinValueValidator(0)], help_text="Least price of 1,000 impressions here")
    house_ads = models.BooleanField(default=True, help_text="House flights may fill what nobody bought")
    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = "ad policies"
        constraints = [
            models.UniqueConstraint(fields=["title"], nulls_distinct=False, name="one_ad_policy_per_title"),
            models.CheckConstraint(condition=Q(reserve_micros__gte=0), name="policy_reserve_not_negative"),
        ]

    def __str__(self) -> str:
        return f"Ad policy of {self.title.name}" if self.title else "Ad policy of every other title"

    def clean(self) -> None:
        """Raises ValidationError with a sentence for rules that contradict each other."""
        from ads.selling import checks

        checks.refuse(checks.policy_problems(self))
