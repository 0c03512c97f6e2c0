"""Tables of the platform's own floor: trained models, experiments, and the event log's bookkeeping."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from adplatform.experiments.assignment import parse_arms


class ModelVersion(models.Model):
    """One trained model: what it was trained on, how it did on later data, what the gates said, and where its artifact lies."""

    class Alias(models.TextChoices):
        CHAMPION = "champion"
        CHALLENGER = "challenger"
        PREVIOUS = "previous"

    class Status(models.TextChoices):
        TRAINING = "training"
        PROMOTED = "promoted"
        REFUSED = "refused"
        FAILED = "failed"

    kind = models.CharField(max_length=20, help_text="What it predicts: ctr, engagement, director")
    number = models.PositiveIntegerField()
    estimator = models.CharField(max_length=40)
    alias = models.CharField(max_length=12, choices=Alias, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.TRAINING)
    created_at = models.DateTimeField(auto_now_add=True)
    trained_at = models.DateTimeField(null=True, blank=True)
    data_from = models.DateTimeField(null=True, blank=True)
    data_to = models.DateTimeField(null=True, blank=True)
    train_rows = models.PositiveIntegerField(default=0)
    test_rows = models.PositiveIntegerField(default=0)
    synthetic_share = models.FloatField(default=0)
    feature_schema = models.JSONField(default=dict)
    parameters = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict, help_text="Each figure as {value, baseline, ci_low, ci_high}")
    gates = models.JSONField(default=list, help_text="[{name, verdict: pass|fail|not_enough_evidence, words, figures}]")
    verdict = models.TextField(blank=True, help_text="Promoted or refused, with the reasons in words")
    artifact = models.CharField(max_length=200, blank=True, help_text="File below the models folder, named by its hash")
    artifact_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["kind", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "number"], name="model_number_once_per_kind"),
            models.UniqueConstraint(fields=["kind", "alias"], condition=~Q(alias=""), name="model_alias_once_per_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} v{self.number} ({self.estimator})"


class Experiment(models.Model):
    """Arms as ``[{"name": str, "share": 0-1}]``; the first arm is the control."""

    class State(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        STOPPED = "stopped"

    key = models.SlugField(max_length=60, unique=True)
    description = models.TextField(blank=True)
    arms = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    started_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.key

    def clean(self) -> None:
        """Raises ValidationError unless ``arms`` are well-formed, so that assignment never meets arms it cannot read."""
        try:
            parse_arms(self.arms)
        except ValueError as error:
            raise ValidationError({"arms": str(error)}) from error


class Assignment(models.Model):
    """Which arm a playback session was exposed to, first exposure only."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="assignments")
    session = models.UUIDField()
    unit = models.UUIDField(help_text="Viewer, or the session itself without consent")
    arm = models.CharField(max_length=40)
    exposed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["experiment", "session"], name="one_arm_per_session")]

    def __str__(self) -> str:
        return f"{self.session} in {self.arm}"


class RollupState(models.Model):
    """How far a rollup is filled; the dashboards' and the chat's 'data as of'."""

    name = models.CharField(max_length=60, unique=True)
    filled_to = models.DateTimeField(null=True, blank=True, help_text="Latest event time folded in")

    def __str__(self) -> str:
        return self.name


class DeadEvent(models.Model):
    """An event that could not be stored, kept as received with the reason, so that it can be repaired and sent again."""

    stream_id = models.CharField(max_length=40, unique=True)
    received_at = models.DateTimeField(auto_now_add=True)
    payload = models.BinaryField()
    reason = models.TextField()
    attempts = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-received_at"]

    def __str__(self) -> str:
        return f"{self.stream_id}: {self.reason[:60]}"
