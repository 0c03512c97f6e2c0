"""What was decided, counted and charged. Viewers, playback sessions and titles are opaque ids here: no foreign key leads upstairs."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from .permanent import Permanent, PermanentManager
from .selling import Ad, Advertiser, Campaign, Flight


class FlightBalance(Permanent):
    """What is booked on a flight: the hard stop. Changed only by a conditional UPDATE in the ledger."""

    flight = models.OneToOneField(Flight, on_delete=models.PROTECT, primary_key=True, related_name="balance")
    booked_micros = models.BigIntegerField(default=0)
    impressions = models.BigIntegerField(default=0)
    completed_views = models.BigIntegerField(default=0)
    clicks = models.BigIntegerField(default=0)
    day = models.DateField(null=True, blank=True, help_text="UTC day of day_booked_micros")
    day_booked_micros = models.BigIntegerField(default=0)
    day_delivered = models.BigIntegerField(default=0, db_default=0, help_text="Goal events booked on that day")
    version = models.BigIntegerField(default=0, db_default=0, help_text="Raised by every change, so that late news of it is known")

    objects = PermanentManager["FlightBalance"]()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(booked_micros__gte=0), name="balance_not_negative")]

    def __str__(self) -> str:
        return f"{self.booked_micros} micros booked on flight {self.flight_id}"


class InventorySnapshot(models.Model):
    """The flights and ads that decisions were made from, named by the hash of their content; replays need it."""

    version = models.BigIntegerField(primary_key=True)
    built_at = models.DateTimeField(auto_now_add=True)
    rows = models.BinaryField(help_text="ads.decision.inventory.Rows as msgpack")

    def __str__(self) -> str:
        return f"Inventory {self.version}"


class FlightForecast(models.Model):
    """What a flight can expect, from logged requests: its traffic-shape curve and whether it will deliver.

    ``supply`` holds the eligible requests expected in each UTC hour of a week, 168 numbers from Monday 00. ``layers`` holds
    quantiles of the response predicted for its ads, ascending: when the flight sheds, requests below them go first.
    """

    flight = models.OneToOneField(Flight, on_delete=models.CASCADE, primary_key=True, related_name="forecast")
    computed_at = models.DateTimeField()
    supply = models.JSONField(default=list)
    layers = models.JSONField(default=list)
    requests = models.BigIntegerField(default=0, help_text="Logged requests it was computed from")
    eligible = models.FloatField(default=0, help_text="Eligible requests expected until the flight ends")
    win_share = models.FloatField(default=1, help_text="Share of its eligible requests that it can win against the others, 0-1")
    settle_share = models.FloatField(default=0, db_default=0, help_text="Of its slots won the share whose impression is seen, 0-1; 0: not known yet")
    events_per_win = models.FloatField(default=0, db_default=0, help_text="Goal events that come of one slot won; 0: not known yet")
    micros_per_win = models.FloatField(default=0, db_default=0, help_text="Micros charged for one slot won; 0: not known yet")
    expected_delivery = models.FloatField(default=0, help_text="Goal events expected at the flight's end, those delivered included")
    expected_low = models.FloatField(default=0, db_default=0, help_text="Lower end of what is expected, 90 % of outcomes above and below together")
    expected_high = models.FloatField(default=0, db_default=0, help_text="Upper end of the same")
    available_impressions = models.FloatField(default=0, db_default=0, help_text="Impressions it could still have, with no other flight in its way")
    unique_viewers = models.FloatField(default=0, db_default=0, help_text="Different viewers among those")
    conflicts = models.JSONField(
        default=list,
        db_default=models.Value([], output_field=models.JSONField()),
        help_text="[{flight, name, share}]: who takes how much of what it wants, 0-1 of its eligible requests",
    )
    warning = models.TextField(blank=True, help_text="Why the goal is in danger, in words; empty when it is not")

    def __str__(self) -> str:
        return f"Forecast of flight {self.flight_id}"


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
    completion_version = models.PositiveIntegerField(
        null=True, help_text="ModelVersion number of what predicted completion; empty for the smoothed rate"
    )
    model_arm = models.CharField(max_length=12, default="", db_default="", help_text="champion, canary or control, as assigned, whatever answered")
    inventory_version = models.BigIntegerField(default=0)
    seed = models.BigIntegerField(default=0)
    milliseconds = models.FloatField(default=0)
    control = models.BooleanField(default=False, db_default=False, help_text="Of the permanent control slice: ranked without the model")
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
    judged_at = models.DateTimeField(null=True, blank=True, help_text="When its window closed and the order of its slot's events was judged for good")
    ip_hash = models.CharField(max_length=16, blank=True, db_default="", help_text="Keyed hash of the address, another one each UTC day")
    ua_hash = models.CharField(max_length=16, blank=True, db_default="", help_text="Keyed hash of the user agent, another one each UTC day")
    data = models.JSONField(default=dict)
    synthetic = models.BooleanField(default=False)

    objects = PermanentManager["AdEvent"]()

    class Meta:
        indexes = [
            models.Index(fields=["decision", "slot"], name="ad_event_decision"),
            models.Index(fields=["occurred_at"], name="ad_event_time"),
            models.Index(fields=["received_at"], condition=Q(judged_at__isnull=True), name="ad_event_waits"),
            # Few among very many.
            models.Index(fields=["flight", "occurred_at"], condition=Q(type__in=("ad.break_error", "ad.error")), name="ad_event_error"),
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
    note = models.CharField(max_length=200, blank=True, db_default="", help_text="Why staff refunded it, in their words")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    event = models.UUIDField()
    occurred_at = models.DateTimeField()
    booked_at = models.DateTimeField()
    synthetic = models.BooleanField(default=False)

    objects = PermanentManager["LedgerEntry"]()

    class Meta:
        ordering = ["-booked_at"]
        verbose_name_plural = "ledger entries"
        permissions = [("refund_ledgerentry", "Can refund charges")]
        constraints = [models.UniqueConstraint(fields=["decision", "slot", "kind"], name="charged_once")]
        indexes = [
            models.Index(fields=["booked_at"], name="ledger_booked"),
            models.Index(fields=["flight", "booked_at"], name="ledger_flight"),
            # Whether any of a period's charges are synthetic is found without reading them all.
            models.Index(fields=["booked_at"], condition=Q(synthetic=True), name="ledger_synthetic"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_micros} on flight {self.flight_id}"
