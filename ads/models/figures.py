"""Rollups of delivery, of breaks, of seconds left unfilled, of what does not count, and of why ads did not serve: additive, by bucket of time."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


def marked(name: str) -> models.Index:
    """Finds a synthetic row of a period, or that there is none, without reading the period: figures that come from the synthetic audience say so.
    Rows of real viewers are not in it, and what is added to a row touches no column of it."""
    return models.Index(fields=["bucket"], condition=Q(synthetic=True), name=name)


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
    gross_impressions = models.BigIntegerField(default=0, db_default=0, help_text="Valid and invalid ones; without gross_ a figure is net")
    gross_completed_views = models.BigIntegerField(default=0, db_default=0)
    gross_clicks = models.BigIntegerField(default=0, db_default=0)
    errors = models.BigIntegerField(default=0)
    invalid = models.BigIntegerField(default=0)
    revenue_micros = models.BigIntegerField(default=0, help_text="Booked less reversed")
    reversed_micros = models.BigIntegerField(default=0, db_default=0, help_text="Booked and taken back since: found invalid, or refunded")
    starts = models.BigIntegerField(default=0, db_default=0)
    viewable = models.BigIntegerField(default=0, db_default=0, help_text="Half of it on screen for two seconds in a row, as IAB and MRC define it")

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
        indexes = [marked("delivery_hour_synthetic"), models.Index(fields=["flight_id", "bucket"], name="delivery_hour_flight")]


class DeliveryDay(DeliveryRollup):
    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bucket", "ad_id", "flight_id", "campaign_id", "advertiser_id", "title_id", "genre", "device", "synthetic"],
                name="delivery_day_key",
            )
        ]
        # A month of one campaign, advertiser or title: rows come once a day, and what is added to them touches no index.
        indexes = [
            models.Index(fields=["campaign_id", "bucket"], name="delivery_day_campaign"),
            models.Index(fields=["advertiser_id", "bucket"], name="delivery_day_advertiser"),
            models.Index(fields=["title_id", "bucket"], name="delivery_day_title"),
            models.Index(fields=["flight_id", "bucket"], name="delivery_day_flight"),
            models.Index(fields=["ad_id", "bucket"], name="delivery_day_ad"),
            marked("delivery_day_synthetic"),
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
        indexes = [marked("break_hour_synthetic")]


class BreakDay(BreakRollup):
    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "title_id", "genre", "device", "synthetic"], name="break_day_key")]
        indexes = [marked("break_day_synthetic")]


class UnfilledRollup(models.Model):
    """Additive seconds of ad breaks that stayed empty, by the reason, in one bucket of decision time."""

    bucket = models.DateTimeField()
    title_id = models.BigIntegerField(default=0)
    genre = models.CharField(max_length=40, default="")
    device = models.CharField(max_length=20, default="")
    reason = models.CharField(max_length=40)
    synthetic = models.BooleanField(default=False)
    breaks = models.BigIntegerField(default=0)
    milliseconds = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class UnfilledHour(UnfilledRollup):
    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "title_id", "genre", "device", "reason", "synthetic"], name="unfilled_hour_key")]
        indexes = [marked("unfilled_hour_synthetic")]


class UnfilledDay(UnfilledRollup):
    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "title_id", "genre", "device", "reason", "synthetic"], name="unfilled_day_key")]
        indexes = [marked("unfilled_day_synthetic")]


class InvalidRollup(models.Model):
    """Additive counts of ad events that do not count, by the reason, in one bucket of event time."""

    bucket = models.DateTimeField()
    advertiser_id = models.BigIntegerField()
    campaign_id = models.BigIntegerField()
    flight_id = models.BigIntegerField()
    ad_id = models.BigIntegerField()
    type = models.CharField(max_length=32)
    reason = models.CharField(max_length=40)
    synthetic = models.BooleanField(default=False)
    events = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class InvalidHour(InvalidRollup):
    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bucket", "ad_id", "flight_id", "campaign_id", "advertiser_id", "type", "reason", "synthetic"], name="invalid_hour_key"
            )
        ]
        indexes = [marked("invalid_hour_synthetic"), models.Index(fields=["flight_id", "bucket"], name="invalid_hour_flight")]


class InvalidDay(InvalidRollup):
    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bucket", "ad_id", "flight_id", "campaign_id", "advertiser_id", "type", "reason", "synthetic"], name="invalid_day_key"
            )
        ]
        indexes = [marked("invalid_day_synthetic"), models.Index(fields=["flight_id", "bucket"], name="invalid_day_flight")]


class FunnelRollup(models.Model):
    """How often an ad ended at each stage of a decision, in one bucket of decision time: why it served and why not."""

    bucket = models.DateTimeField()
    flight_id = models.BigIntegerField()
    ad_id = models.BigIntegerField()
    reason = models.CharField(max_length=40)
    synthetic = models.BooleanField(default=False)
    decisions = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class FunnelHour(FunnelRollup):
    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "flight_id", "ad_id", "reason", "synthetic"], name="funnel_hour_key")]
        indexes = [marked("funnel_hour_synthetic"), models.Index(fields=["flight_id", "bucket"], name="funnel_hour_flight")]


class FunnelDay(FunnelRollup):
    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "flight_id", "ad_id", "reason", "synthetic"], name="funnel_day_key")]
        indexes = [marked("funnel_day_synthetic"), models.Index(fields=["flight_id", "bucket"], name="funnel_day_flight")]


class BreakValue(models.Model):
    """What an ad break is expected to earn, by where and when it stands: the price of leaving it out or making it shorter.

    Drawn from the breaks of the last weeks and what the ledger booked for them; a cell of few breaks leans on those like it.
    """

    title_id = models.BigIntegerField(help_text="0: all titles")
    position = models.CharField(max_length=4, help_text="pre, mid or post")
    device = models.CharField(max_length=20, blank=True, help_text="Empty: all devices")
    hour = models.SmallIntegerField(help_text="UTC hour of the day, -1: all hours")
    breaks = models.PositiveIntegerField(help_text="Breaks that were decided there")
    seconds = models.FloatField(help_text="Mean length of their ads")
    expected_micros = models.FloatField(help_text="Expected revenue of one break")
    refreshed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["title_id", "position", "device", "hour"], name="break_value_cell")]

    def __str__(self) -> str:
        return f"{self.expected_micros:,.0f} micros for a {self.position}-roll of title {self.title_id}"
