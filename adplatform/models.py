"""Tables of the platform's own floor: trained models, experiments, and the event log's bookkeeping."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, Value

from adplatform.experiments.validation import wrong_with


class ModelVersion(models.Model):
    """One trained model: what it was trained on, how it did on later data, what the gates said, and where its artifact lies."""

    class Alias(models.TextChoices):
        CHAMPION = "champion"
        CHALLENGER = "challenger"
        PREVIOUS = "previous"

    class Status(models.TextChoices):
        TRAINING = "training"
        SHADOW = "shadow"
        CANARY = "canary"
        PROMOTED = "promoted"
        REFUSED = "refused"
        FAILED = "failed"

    kind = models.CharField(max_length=20, help_text="What it predicts: ctr, completion, engagement")
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
    state_artifact = models.CharField(
        max_length=200, blank=True, db_default="", help_text="What learning needs to go on from here, beside the artifact"
    )
    state_sha256 = models.CharField(max_length=64, blank=True, db_default="")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children", help_text="Learned on from this version"
    )
    engine = models.CharField(max_length=10, default="local", db_default="local", help_text="Where it was fitted: local or dask")
    traffic_share = models.FloatField(default=0, db_default=0, help_text="Share of the traffic that a canary serves, 0-1")
    stage_since = models.DateTimeField(null=True, blank=True, help_text="When its present state began")
    lineage = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), help_text="Rows, partitions, code and libraries it came from")
    card = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), help_text="What its page draws: calibration, curves, importance")

    class Meta:
        ordering = ["kind", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "number"], name="model_number_once_per_kind"),
            models.UniqueConstraint(fields=["kind", "alias"], condition=~Q(alias=""), name="model_alias_once_per_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} v{self.number} ({self.estimator})"


class TrainingRun(models.Model):
    """One request to train, from the queue to its end. A worker that dies leaves it where it was; the next one goes on from there."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    key = models.CharField(max_length=120, unique=True, help_text="What is asked for; asked again under the same key it is the same run")
    kind = models.CharField(max_length=20)
    estimator = models.CharField(max_length=40)
    engine = models.CharField(max_length=10, default="local")
    as_of = models.DateTimeField(help_text="Trains on what was known then, also when it is resumed later")
    reason = models.CharField(max_length=200, blank=True, help_text="Nightly, on demand, or the alarm that asked for it")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    percent = models.PositiveSmallIntegerField(default=0)
    words = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    checkpoint = models.JSONField(default=dict, help_text="What is done already: stored rows and artifacts by their hashes")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    version = models.ForeignKey(ModelVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.key


class ModelReading(models.Model):
    """One figure of a model's health over one window: drift of a feature or of the scores, calibration, log loss, skew."""

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="readings")
    measure = models.CharField(max_length=40, help_text="feature_psi, feature_shift, score_psi, calibration, log_loss, expected_log_loss, skew, ...")
    subject = models.CharField(max_length=80, blank=True, help_text="A feature, or a group such as device:tv; empty for the whole")
    window_from = models.DateTimeField()
    window_to = models.DateTimeField()
    rows = models.PositiveIntegerField(default=0)
    value = models.FloatField(null=True, help_text="Empty when there was not enough evidence")
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    bound = models.FloatField(null=True, help_text="Beyond this it is an alarm")
    alarm = models.BooleanField(default=False)
    words = models.TextField(blank=True)
    figures = models.JSONField(default=dict)
    read_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-window_to", "measure", "subject"]
        constraints = [models.UniqueConstraint(fields=["version", "measure", "subject", "window_to", "window_from"], name="one_reading_a_window")]
        indexes = [models.Index(fields=["-window_to", "measure"], name="reading_time")]

    def __str__(self) -> str:
        return f"{self.measure} {self.subject} of {self.version_id}"


class ArchivedDay(models.Model):
    """One day of one partitioned table as written to Parquet. Its partition drops only when this row says it was checked."""

    table = models.CharField(max_length=60)
    day = models.DateField()
    rows = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, help_text="Of the file")
    content_hash = models.CharField(max_length=64, help_text="Of the rows, computed alike from the table and from the file")
    path = models.CharField(max_length=200, help_text="File below the archive folder")
    size = models.BigIntegerField(help_text="Bytes")
    archived_at = models.DateTimeField()
    dropped_at = models.DateTimeField(null=True, blank=True, help_text="When the partition was dropped; from then on the file is the only copy")

    class Meta:
        ordering = ["-day", "table"]
        constraints = [models.UniqueConstraint(fields=["table", "day"], name="archived_once")]

    def __str__(self) -> str:
        return f"{self.table} of {self.day}"


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
    metric = models.CharField(max_length=40, blank=True, db_default="", help_text="The one that decides it, of the registered ones")
    metrics = models.JSONField(default=list, db_default=Value([], models.JSONField()), blank=True, help_text="Others to read beside it")
    guardrails = models.JSONField(default=list, db_default=Value([], models.JSONField()), blank=True, help_text='[{"metric": str, "worst": share}]')
    alpha = models.FloatField(default=0.05, db_default=0.05, help_text="Chance of a false alarm over the whole life of the experiment")
    split_budgets = models.BooleanField(default=False, db_default=False, help_text="Each arm spends its own share of the flights' budgets")
    verdict = models.TextField(blank=True, db_default="", help_text="What the last reading said, in words")
    alarm = models.TextField(blank=True, db_default="", help_text="Why its figures must not be read, or why it was stopped by itself")
    rolled_out = models.CharField(max_length=40, blank=True, db_default="", help_text="The arm that everybody gets since it was stopped")

    def __str__(self) -> str:
        return self.key

    def clean(self) -> None:
        """Raises ValidationError that says what is wrong with a draft, so that neither assignment nor a reading meets what it cannot
        read. What runs is frozen as it was found right."""
        if self.state != self.State.DRAFT:
            return
        wrong = dict(wrong_with(arms=self.arms, metric=self.metric, metrics=self.metrics, guardrails=self.guardrails, alpha=self.alpha))
        if wrong:
            raise ValidationError(wrong)


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


class ExperimentReading(models.Model):
    """One look at one metric of one arm against the control. Looks may be taken at any time: the intervals hold for all of them together."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="readings")
    at = models.DateTimeField()
    metric = models.CharField(max_length=40)
    arm = models.CharField(max_length=40)
    units = models.PositiveIntegerField()
    control_units = models.PositiveIntegerField()
    mean = models.FloatField(null=True)
    control_mean = models.FloatField(null=True)
    effect = models.FloatField(null=True, help_text="Arm minus control, in the metric's unit")
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    variance_left = models.FloatField(default=1, help_text="Share of the variance that adjusting for earlier behaviour left")
    figures = models.JSONField(default=dict)
    verdict = models.CharField(max_length=24, blank=True)
    words = models.TextField(blank=True)

    class Meta:
        ordering = ["-at", "metric", "arm"]
        constraints = [models.UniqueConstraint(fields=["experiment", "at", "metric", "arm"], name="one_reading_a_look")]

    def __str__(self) -> str:
        return f"{self.metric} of {self.arm} at {self.at:%Y-%m-%d %H:%M}"


class RollupState(models.Model):
    """How far a rollup is filled; the dashboards' and the chat's 'data as of'."""

    name = models.CharField(max_length=60, unique=True)
    filled_to = models.DateTimeField(null=True, blank=True, help_text="Latest event time folded in")

    def __str__(self) -> str:
        return self.name


class RollupDay(models.Model):
    """A closed UTC day of one rollup, counted anew from the rows it is made of, and by how much it differed from what was folded."""

    class State(models.TextChoices):
        STARTED = "started"
        DONE = "done"

    name = models.CharField(max_length=60, help_text="Of the rollup")
    day = models.DateField()
    state = models.CharField(max_length=8, choices=State, default=State.STARTED)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(null=True, help_text="How long counting took the last time")
    facts = models.BigIntegerField(null=True, help_text="Facts counted")
    differed = models.BigIntegerField(default=0, help_text="Rows that were set right the last time, of all grains")
    found = models.JSONField(default=dict, blank=True, help_text='{grain: {"rows", "measures": {measure: [too few, too many]}}}')
    words = models.TextField(blank=True, help_text="The difference in words; empty for none")
    late = models.BooleanField(default=False, db_default=False, help_text="Got more since it was counted, and will be counted again")

    class Meta:
        ordering = ["-day", "name"]
        constraints = [models.UniqueConstraint(fields=["name", "day"], name="rollup_day_once")]

    def __str__(self) -> str:
        return f"{self.name} of {self.day}"


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


class ApiKey(models.Model):
    """A key of a person to the API. Its text is shown once; what is kept tells nobody what it was."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=60, help_text="What uses it, for example nightly import")
    prefix = models.CharField(max_length=16, editable=False, help_text="How it begins, to tell one from another")
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of the key")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="To the minute")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: good until it is revoked")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
