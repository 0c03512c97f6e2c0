"""What people asked and were answered."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from pgvector.django import VectorField

from ads.models import Ad

CARD_DIMENSIONS = 256


class Conversation(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    started_at = models.DateTimeField(auto_now_add=True)
    title = models.CharField(max_length=120, blank=True, help_text="As its owner named it; empty: its first question")
    archived = models.BooleanField(default=False, db_default=False)

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
    status = models.CharField(max_length=9, blank=True, help_text="answered, clarify or refused; empty in rows of before it was kept")
    query = models.JSONField(null=True, help_text="The semantic query that was run; a follow-up edits it")
    milliseconds = models.FloatField(default=0)

    class Meta:
        ordering = ["asked_at"]
        indexes = [models.Index(fields=["conversation", "asked_at"], name="message_in_conversation")]

    def __str__(self) -> str:
        return self.question[:60]


class Feedback(models.Model):
    """What a person thought of an answer: the queue that verified questions and synonyms come from."""

    class Reason(models.TextChoices):
        WRONG_FIGURE = "wrong_figure", "the figure is wrong"
        MISREAD = "misread", "it answered another question"
        WRONG_PERIOD = "wrong_period", "the wrong period"
        NOT_ANSWERED = "not_answered", "it should have answered"
        UNCLEAR = "unclear", "hard to understand"
        SLOW = "slow", "too slow"
        OTHER = "other", "something else"

    class State(models.TextChoices):
        OPEN = "open"
        DONE = "done"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="feedback")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    good = models.BooleanField()
    reason = models.CharField(max_length=14, choices=Reason, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    given_at = models.DateTimeField()
    state = models.CharField(max_length=4, choices=State, default=State.OPEN)
    outcome = models.CharField(max_length=300, blank=True, help_text="What staff did about it")

    class Meta:
        ordering = ["-given_at"]
        verbose_name_plural = "feedback"
        constraints = [models.UniqueConstraint(fields=["message", "user"], name="one_feedback_per_person")]

    def __str__(self) -> str:
        return f"{'good' if self.good else self.get_reason_display() or 'bad'}: {self.message}"


class VerifiedQuery(models.Model):
    """A question that staff have checked, with the semantic query that answers it. Until it is verified it answers nobody."""

    class State(models.TextChoices):
        PROPOSED = "proposed"
        VERIFIED = "verified"
        REJECTED = "rejected"

    question = models.CharField(max_length=300, unique=True)
    phrasings = models.JSONField(default=list, blank=True, help_text="Other ways to ask the same, a list of texts")
    query = models.JSONField(help_text="The semantic query; its period is read from the question anew each time it is asked")
    state = models.CharField(max_length=8, choices=State, default=State.PROPOSED)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    verified_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    verified_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True, help_text="Shown with the badge: what the checker wants readers to know")

    class Meta:
        ordering = ["question"]
        verbose_name_plural = "verified queries"
        permissions = [("verify_verifiedquery", "Can verify and reject questions")]

    def __str__(self) -> str:
        return self.question


class CatalogueCard(models.Model):
    """One thing that can be asked about, as text and as a vector: a figure, a dimension, a verified question, or a name.

    ``advertiser`` is whose it is; empty for what is nobody's in particular. ``cube`` limits it to those who see that cube, ``unscoped``
    to those who see every advertiser. ``source`` is the semantic model's name; ``digest`` tells whether the card must be written anew.
    """

    class Kind(models.TextChoices):
        MEASURE = "measure"
        DIMENSION = "dimension"
        VALUE = "value"
        QUESTION = "question"
        NAME = "name"

    source = models.CharField(max_length=80)
    kind = models.CharField(max_length=9, choices=Kind)
    ref = models.CharField(max_length=160, help_text="measure:delivery.ctr, dimension:genre, value:device.tv, question:12, name:campaign.12")
    label = models.CharField(max_length=300)
    text = models.TextField()
    cubes = models.JSONField(default=list, help_text="Cubes it belongs to; it is shown to those who see one of them")
    advertiser = models.BigIntegerField(null=True)
    unscoped = models.BooleanField(default=False, help_text="Only for those who see every advertiser")
    engine = models.CharField(max_length=80, help_text="What made the vector: ngram or the endpoint's model")
    digest = models.CharField(max_length=64)
    vector = VectorField(dimensions=CARD_DIMENSIONS)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "ref", "engine"], name="one_card_a_thing")]
        indexes = [models.Index(fields=["source", "engine", "kind"], name="card_kind")]

    def __str__(self) -> str:
        return self.ref


class SharedAnswer(models.Model):
    """A link to a question. Whoever opens it is answered anew, within what they themselves may see."""

    token = models.CharField(max_length=43, unique=True)
    question = models.TextField()
    query = models.JSONField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.question[:60]


class Pin(models.Model):
    """A question on its owner's dashboard, answered anew whenever it is looked at; words such as "last week" move with the calendar."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pins")
    title = models.CharField(max_length=120)
    question = models.TextField()
    query = models.JSONField()
    position = models.PositiveIntegerField(default=0)
    pinned_at = models.DateTimeField()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "question"], name="one_pin_a_question")]

    def __str__(self) -> str:
        return self.title


class ScheduledQuestion(models.Model):
    """A question answered by mail. ``next_at`` is claimed by a conditional update, so that two workers send one mail."""

    class Every(models.TextChoices):
        DAY = "day"
        WEEK = "week"
        MONTH = "month"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="scheduled_questions")
    question = models.TextField()
    query = models.JSONField()
    every = models.CharField(max_length=5, choices=Every)
    hour = models.PositiveSmallIntegerField(default=7, help_text="UTC")
    next_at = models.DateTimeField()
    last_sent_at = models.DateTimeField(null=True, blank=True)
    last_problem = models.CharField(max_length=300, blank=True)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["next_at"]
        indexes = [models.Index(fields=["active", "next_at"], name="scheduled_due")]
        constraints = [models.CheckConstraint(condition=models.Q(hour__lte=23), name="scheduled_hour_of_a_day")]

    def __str__(self) -> str:
        return f"{self.question[:60]}, every {self.every}"


class CopySuggestion(models.Model):
    """A headline suggested for an ad and a segment. Only ever a suggestion: what is taken up goes through the creative review."""

    class State(models.TextChoices):
        SUGGESTED = "suggested"
        TAKEN = "taken", "sent to review"
        DISMISSED = "dismissed"

    ad = models.ForeignKey(Ad, on_delete=models.CASCADE, related_name="copy_suggestions")
    segment = models.JSONField(default=dict, help_text='Whom it is for, such as {"device": "tv", "genre": "drama"}')
    headline = models.CharField(max_length=90)
    engine = models.CharField(max_length=80, help_text="template, or the language model that wrote it")
    why = models.TextField(help_text="What in past performance speaks for it, in words")
    evidence = models.JSONField(default=dict)
    state = models.CharField(max_length=9, choices=State, default=State.SUGGESTED)
    suggested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    suggested_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-suggested_at", "pk"]

    def __str__(self) -> str:
        return self.headline


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
