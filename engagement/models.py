"""Viewers, what they watch, what they did, and what the Director decided."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from catalog.models import Genre, Title


class AgeBand(models.TextChoices):
    UNKNOWN = "", "Not said"
    A18 = "18-24"
    A25 = "25-34"
    A35 = "35-44"
    A45 = "45-54"
    A55 = "55+"


class Gender(models.TextChoices):
    UNKNOWN = "", "Not said"
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class Tier(models.TextChoices):
    ADS = "ads", "With ads"
    STANDARD = "standard", "Standard with ads"


class Device(models.TextChoices):
    TV = "tv", "TV"
    DESKTOP = "desktop"
    MOBILE = "mobile"
    TABLET = "tablet"


class Viewer(models.Model):
    """A profile. Its attributes are used for ads only while ``ads_consent`` holds."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="viewers")
    browser = models.UUIDField(null=True, blank=True, help_text="Cookie that owns the profile where nobody is signed in")
    name = models.CharField(max_length=60)
    age_band = models.CharField(max_length=8, choices=AgeBand, blank=True)
    gender = models.CharField(max_length=8, choices=Gender, blank=True)
    tier = models.CharField(max_length=10, choices=Tier, default=Tier.ADS)
    monthly_hours = models.FloatField(default=10, validators=[MinValueValidator(0), MaxValueValidator(744)])
    favourite_genres = models.ManyToManyField(Genre, blank=True)
    ads_consent = models.BooleanField(default=False)
    country = models.CharField(max_length=2, blank=True, help_text="ISO 3166-1 code; empty when not said")
    timezone = models.CharField(max_length=40, blank=True, help_text="IANA name, for example Europe/Berlin; empty: the browser's")
    segments = models.JSONField(null=True, blank=True, help_text="Slugs of `engagement.segments`, sorted by task; empty when never sorted")
    colour = models.CharField(max_length=7, default="#3A86FF")
    synthetic = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [models.CheckConstraint(condition=Q(monthly_hours__gte=0) & Q(monthly_hours__lte=744), name="viewer_hours_fit_a_month")]

    def __str__(self) -> str:
        return self.name


class PlaybackSession(models.Model):
    """One viewer watching one title. ``plan`` is the scene plan as published so far and as foreseen; changed only by
    compare-and-set on ``plan_version``."""

    id = models.UUIDField(primary_key=True)
    viewer = models.ForeignKey(Viewer, null=True, on_delete=models.SET_NULL, related_name="sessions")
    title = models.ForeignKey(Title, on_delete=models.PROTECT, related_name="sessions")
    device = models.CharField(max_length=10, choices=Device, default=Device.DESKTOP)
    hour = models.PositiveSmallIntegerField(help_text="Hour of day in the viewer's zone at the start")
    tab = models.CharField(max_length=40, blank=True, help_text="A second tab is a session of its own")
    arms = models.JSONField(default=dict, blank=True)
    consent = models.BooleanField(default=False)
    plan = models.JSONField(default=dict)
    plan_version = models.PositiveIntegerField(default=0)
    epoch = models.PositiveSmallIntegerField(default=0, help_text="Raised when a resumed session needs a new playlist")
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    resume_scene = models.BigIntegerField(null=True, blank=True)
    resume_offset = models.FloatField(default=0)
    progress = models.FloatField(default=0, help_text="Share of the film's scenes seen to their end, 0-1")
    as_edited = models.BooleanField(default=False, help_text="The viewer asked for the film as its author edited it")
    came_from = models.UUIDField(null=True, blank=True, help_text="The Director's decision that suggested this title")
    synthetic = models.BooleanField(default=False)

    class Meta:
        ordering = ["-started_at"]
        indexes = [
            models.Index(fields=["viewer", "-last_seen_at"], name="session_viewer_seen"),
            models.Index(fields=["-last_seen_at"], name="session_seen"),
        ]

    def __str__(self) -> str:
        return f"{self.title_id} by {self.viewer_id}"


class PlaybackEvent(models.Model):
    """One thing a viewer did or met while watching. Partitioned by day; written by the consumer."""

    partitioned_by_day = True

    id = models.UUIDField(primary_key=True)
    day = models.DateField()
    type = models.CharField(max_length=32)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    session = models.UUIDField()
    seq = models.BigIntegerField(default=0)
    viewer = models.UUIDField(null=True)
    title = models.BigIntegerField(null=True)
    scene = models.BigIntegerField(null=True)
    offset = models.FloatField(null=True)
    plan_version = models.PositiveIntegerField(default=0)
    valid = models.BooleanField(default=True)
    reason = models.CharField(max_length=40, blank=True)
    data = models.JSONField(default=dict)
    synthetic = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["session", "seq"], name="playback_event_session"),
            models.Index(fields=["occurred_at"], name="playback_event_time"),
        ]

    def __str__(self) -> str:
        return f"{self.type} of {self.session}"


class Trigger(models.TextChoices):
    SCENE_START = "scene_start", "A scene began"
    DROP = "drop", "Attention dropped"


class DirectorAction(models.TextChoices):
    KEEP = "keep", "Kept the plan"
    TIGHTEN = "tighten", "Tightened a scene"
    BRING_FORWARD = "bring_forward", "Brought a scene forward"
    MOVE_BACK = "move_back", "Moved a scene back"
    LINGER = "linger", "Lingered on an optional scene"
    MOVE_BREAK = "move_break", "Moved the ad break"
    SHORTEN_BREAK = "shorten_break", "Shortened the ad break"
    SUGGEST = "suggest", "Suggested another title"


# A suggestion leaves the film as it is.
CHANGES_THE_PLAN = frozenset(DirectorAction.values) - {DirectorAction.KEEP.value, DirectorAction.SUGGEST.value}


class DirectorDecision(models.Model):
    """What the Director chose at a boundary, what else it could have chosen, and why, in words.

    ``intended`` is what it would have done had nothing held it back: in the control group, and where an exploration drew something
    else, that differs from ``action``. ``propensity`` is the chance that ``action`` was taken with. Gains in micros against keeping.
    """

    id = models.UUIDField(primary_key=True)
    session = models.UUIDField()
    viewer = models.UUIDField(null=True)
    title = models.BigIntegerField()
    scene = models.BigIntegerField(null=True, help_text="Scene on screen when it was decided")
    decided_at = models.DateTimeField()
    trigger = models.CharField(max_length=12, choices=Trigger, default=Trigger.SCENE_START)
    epoch = models.PositiveSmallIntegerField(default=0)
    place = models.PositiveSmallIntegerField(default=0, help_text="Place in the film that the decision is about, from 1")
    following = models.BigIntegerField(null=True, help_text="Scene that plays at that place after the decision")
    action = models.CharField(max_length=20, choices=DirectorAction)
    intended = models.CharField(max_length=20, choices=DirectorAction, blank=True)
    arm = models.CharField(max_length=40, blank=True, help_text="Arm of the Director's experiment; empty while none runs")
    explored = models.BooleanField(default=False, help_text="Drawn by chance, to learn what it does")
    suggested = models.BigIntegerField(null=True, help_text="Title that was suggested")
    applied = models.BooleanField(default=False)
    reason = models.TextField()
    engagement = models.FloatField(null=True, help_text="Predicted share of the coming scenes watched, 0-1")
    leave_risk = models.FloatField(null=True, help_text="Predicted chance of leaving within 15 seconds, 0-1")
    gain = models.FloatField(null=True, help_text="Expected gain of the intended action over keeping, micros")
    gain_low = models.FloatField(null=True, help_text="Lower bound of that gain, micros")
    alternatives = models.JSONField(default=list)
    features = models.JSONField(default=dict)
    propensity = models.FloatField(default=1)
    model_version = models.PositiveIntegerField(null=True, help_text="Of the engagement model")
    policy_version = models.PositiveIntegerField(null=True, help_text="Of the model of what each action is worth")
    leave_version = models.PositiveIntegerField(null=True, help_text="Of the model of leaving")
    milliseconds = models.FloatField(default=0)
    synthetic = models.BooleanField(default=False)

    class Meta:
        ordering = ["-decided_at"]
        indexes = [
            models.Index(fields=["session"], name="director_session"),
            models.Index(fields=["-decided_at"], name="director_time"),
            models.Index(fields=["title", "-decided_at"], name="director_title"),
        ]

    def __str__(self) -> str:
        return f"{self.action} in {self.session}"


class DirectorOutcome(models.Model):
    """What came of a decision, judged once its session had been silent for a quarter of an hour.

    ``reached`` tells whether the viewer came to the place that the decision was about: only then could it make a difference.
    Shares 0-1 watched at normal speed: ``watched`` of the scene at that place, ``coming`` of it and the next one.
    """

    decision = models.UUIDField(primary_key=True)
    decided_at = models.DateTimeField()
    session = models.UUIDField()
    reached = models.BooleanField()
    watched = models.FloatField(null=True)
    coming = models.FloatField(null=True)
    stayed_seconds = models.FloatField(null=True, help_text="Film watched from that place to the end of the session")
    revenue_micros = models.BigIntegerField(default=0, help_text="Charged for the ads of the session after the decision")
    taken = models.BooleanField(default=False, help_text="A suggestion that was followed")
    judged_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["decided_at"], name="director_outcome_time"),
            models.Index(fields=["session"], name="director_outcome_session"),
        ]

    def __str__(self) -> str:
        return f"outcome of {self.decision}"


class ChurnScore(models.Model):
    """How likely a viewer is not to come back, as it looked on a day, with the reasons in words. Only of viewers who gave consent."""

    viewer = models.ForeignKey(Viewer, on_delete=models.CASCADE, related_name="churn_scores")
    day = models.DateField()
    scored_at = models.DateTimeField()
    risk = models.FloatField(validators=[MinValueValidator(0), MaxValueValidator(1)])
    reasons = models.JSONField(default=list, help_text='[{"feature", "value", "effect", "words"}], strongest first')
    model_version = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["viewer", "day"], name="one_churn_score_a_day"),
            models.CheckConstraint(condition=Q(risk__gte=0) & Q(risk__lte=1), name="churn_risk_is_a_share"),
        ]
        indexes = [models.Index(fields=["day", "-risk"], name="churn_by_risk")]

    def __str__(self) -> str:
        return f"{self.viewer_id} on {self.day}"


class Rating(models.Model):
    viewer = models.ForeignKey(Viewer, on_delete=models.CASCADE, related_name="ratings")
    title = models.ForeignKey(Title, on_delete=models.CASCADE, related_name="ratings")
    stars = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    rated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["viewer", "title"], name="one_rating_per_viewer_and_title"),
            models.CheckConstraint(condition=Q(stars__gte=1) & Q(stars__lte=5), name="rating_1_to_5"),
        ]

    def __str__(self) -> str:
        return f"{self.stars} for {self.title_id}"


class PlaybackRollup(models.Model):
    """Additive figures of watching in one bucket of event time, per title, scene, device and origin."""

    bucket = models.DateTimeField()
    title_id = models.BigIntegerField()
    scene_id = models.BigIntegerField(default=0, help_text="0 for figures of the whole session")
    genre = models.CharField(max_length=40, default="")
    device = models.CharField(max_length=20, default="")
    synthetic = models.BooleanField(default=False)
    sessions = models.BigIntegerField(default=0, help_text="Started")
    finished = models.BigIntegerField(default=0, help_text="Watched to the end")
    scene_starts = models.BigIntegerField(default=0)
    scene_ends = models.BigIntegerField(default=0)
    exits = models.BigIntegerField(default=0)
    rewinds = models.BigIntegerField(default=0)
    skips = models.BigIntegerField(default=0)
    pauses = models.BigIntegerField(default=0)
    watch_milliseconds = models.BigIntegerField(default=0)
    stall_milliseconds = models.BigIntegerField(default=0)
    director_decisions = models.BigIntegerField(default=0)
    director_changes = models.BigIntegerField(default=0)
    rating_stars = models.BigIntegerField(default=0)
    ratings = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class PlaybackMinute(PlaybackRollup):
    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "title_id", "scene_id", "genre", "device", "synthetic"], name="playback_minute_key")]


class PlaybackHour(PlaybackRollup):
    class Meta:
        # As in `ads.models.figures.marked`: real viewers' rows are not in it.
        indexes = [models.Index(fields=["bucket"], condition=Q(synthetic=True), name="playback_hour_synthetic")]
        constraints = [models.UniqueConstraint(fields=["bucket", "title_id", "scene_id", "genre", "device", "synthetic"], name="playback_hour_key")]


class PlaybackDay(PlaybackRollup):
    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "title_id", "scene_id", "genre", "device", "synthetic"], name="playback_day_key")]
        indexes = [
            models.Index(fields=["title_id", "bucket"], name="playback_day_title"),
            models.Index(fields=["bucket"], condition=Q(synthetic=True), name="playback_day_synthetic"),
        ]


class TraceDue(models.Model):
    """A session of which something new was stored since its trace was taken; taken once it has been silent for a quarter of an hour."""

    session = models.UUIDField(primary_key=True)
    touched_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["touched_at"], name="trace_due_touched")]

    def __str__(self) -> str:
        return f"trace of {self.session} is due"


class SessionTrace(models.Model):
    """What one session has added to `SceneDay` and `MomentDay`, so that a later telling of it adds only the difference."""

    session = models.UUIDField(primary_key=True)
    taken_at = models.DateTimeField()
    figures = models.JSONField(
        default=dict, help_text='{"day", "title", "device", "synthetic", "scenes": {scene: [..]}, "moments": {"scene:segment": [..]}}'
    )

    class Meta:
        indexes = [models.Index(fields=["taken_at"], name="session_trace_taken")]

    def __str__(self) -> str:
        return f"trace of {self.session}"


class SceneDay(models.Model):
    """What the sessions that began on a UTC day did with a scene, each session once: how many of them. Scene 0 is the whole film."""

    day = models.DateField()
    title_id = models.BigIntegerField()
    scene_id = models.BigIntegerField()
    device = models.CharField(max_length=20, default="")
    synthetic = models.BooleanField(default=False)
    starts = models.BigIntegerField(default=0)
    completed = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0, help_text="Passed over some of it and went on watching")
    rewound = models.BigIntegerField(default=0, help_text="Went back into it")
    left = models.BigIntegerField(default=0, help_text="Went away in the middle of it")
    left_after = models.BigIntegerField(default=0, help_text="Went away after its end, before another scene began: in an ad break, mostly")
    tightened = models.BigIntegerField(default=0, help_text="Got its tight cut")
    complaints = models.BigIntegerField(default=0)
    as_edited = models.BigIntegerField(default=0, help_text="Times a viewer asked for the film as edited")
    seen_milliseconds = models.BigIntegerField(default=0, help_text="Of the cut that played, each moment once")
    offered_milliseconds = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["title_id", "day", "scene_id", "device", "synthetic"], name="scene_day_key")]

    def __str__(self) -> str:
        return f"scene {self.scene_id} on {self.day}"


class MomentDay(models.Model):
    """How often each packaged segment of a scene was seen in the sessions that began on a UTC day, and what else happened there."""

    day = models.DateField()
    title_id = models.BigIntegerField()
    scene_id = models.BigIntegerField()
    segment = models.PositiveSmallIntegerField()
    device = models.CharField(max_length=20, default="")
    synthetic = models.BooleanField(default=False)
    views = models.BigIntegerField(default=0, help_text="More than one of a session where it was watched again")
    again = models.BigIntegerField(default=0, help_text="Views beyond the first of a session")
    rewound_to = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0, help_text="Sessions that passed over it and went on")
    left = models.BigIntegerField(default=0)
    left_out = models.BigIntegerField(default=0, help_text="Sessions whose tight cut did not hold it")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["title_id", "day", "scene_id", "segment", "device", "synthetic"], name="moment_day_key")]

    def __str__(self) -> str:
        return f"moment {self.segment} of scene {self.scene_id} on {self.day}"
