"""What people asked and were answered."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Conversation(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    started_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.user} on {self.started_at:%Y-%m-%d %H:%M}"


class Message(models.Model):
    """One question with its whole answer: the audit record of what was asked, run and shown."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    asked_at = models.DateTimeField()
    question = models.TextField()
    answer = models.JSONField(default=dict)
    milliseconds = models.FloatField(default=0)

    class Meta:
        ordering = ["asked_at"]

    def __str__(self) -> str:
        return self.question[:60]


class VerifiedQuery(models.Model):
    """A question staff have checked, with the semantic query that answers it."""

    question = models.CharField(max_length=300, unique=True)
    query = models.JSONField()
    verified_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    verified_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.question


class Insight(models.Model):
    """One finding of the detectors, kept as long as it is true and for a while after. Each run writes its figures anew; what people did
    with it stays."""

    class State(models.TextChoices):
        OPEN = "open"
        DISMISSED = "dismissed"
        DONE = "done"
        GONE = "gone", "no longer so"

    key = models.CharField(max_length=160, unique=True, help_text="What it is about; found again it is the same row")
    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=200)
    words = models.TextField()
    detail = models.TextField(blank=True)
    recommend = models.TextField(blank=True, help_text="What to do, in words")
    severity = models.PositiveSmallIntegerField(help_text="1 note, 2 warning, 3 critical")
    money_micros = models.BigIntegerField(null=True, help_text="At stake; empty where no sum can be put to it")
    money_how = models.TextField(blank=True, help_text="What that sum was worked out from")
    evidence = models.JSONField(default=dict)
    link = models.CharField(max_length=200)
    rows = models.CharField(max_length=200, blank=True, help_text="Its rows in the admin, as app_model/id or app_model?query")
    action = models.CharField(max_length=30, blank=True)
    params = models.JSONField(default=dict)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField()
    synthetic = models.FloatField(null=True, help_text="Share of its evidence that a synthetic audience made, 0-1; empty where not known")
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    dismissed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismissed_micros = models.BigIntegerField(null=True, help_text="At stake when it was dismissed; it opens again when it is half as much again")
    dismissed_severity = models.PositiveSmallIntegerField(null=True, help_text="When it was dismissed")
    acted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    acted_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField(blank=True, help_text="What the action did, in words")

    class Meta:
        ordering = [models.F("money_micros").desc(nulls_last=True), "-severity", "key"]
        permissions = [("dismiss_insight", "Can dismiss and restore findings")]
        indexes = [models.Index(fields=["state", "-last_seen"], name="insight_state")]
        constraints = [
            models.CheckConstraint(condition=models.Q(severity__gte=1) & models.Q(severity__lte=3), name="insight_severity_1_to_3"),
            models.CheckConstraint(condition=models.Q(money_micros__isnull=True) | models.Q(money_micros__gte=0), name="insight_money_not_negative"),
        ]

    def __str__(self) -> str:
        return self.words
