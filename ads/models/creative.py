"""What an ad is made of beside its terms: the file somebody uploaded, and what standard players show and check beside the clip."""

from __future__ import annotations

import uuid
from pathlib import PurePosixPath

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from catalog.models import MediaAsset

from .selling import Ad


def originals() -> FileSystemStorage:
    """Outside of what is served: nobody's browser ever opens a file as it was uploaded."""
    return FileSystemStorage(location=settings.ORIGINALS_DIR, base_url=None)


def original_name(row: CreativeFile, filename: str) -> str:
    """A name of our own: that of the sender is kept as words, never as a path."""
    return f"{uuid.uuid4().hex}{PurePosixPath(filename).suffix.lower()[:8]}"


def picture_name(row: models.Model, filename: str) -> str:
    return f"pictures/{uuid.uuid4().hex}{PurePosixPath(filename).suffix.lower()[:8]}"


class CreativeFile(models.Model):
    """A video as it was uploaded, and what became of it. The file is kept whatever becomes of it.

    ``facts`` is what the probe found: ``{duration, width, height, frames_per_second, video_codec, audio_codec, audio_channels, loudness_lufs,
    true_peak_dbtp, container, bit_rate}``, seconds and bits, each null where the file does not say.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded"
        PROCESSING = "processing"
        READY = "ready"
        REFUSED = "refused"

    asset = models.OneToOneField(MediaAsset, on_delete=models.PROTECT, related_name="creative_file", help_text="The clip that is packaged from it")
    file = models.FileField(upload_to=original_name, storage=originals, max_length=200)
    name = models.CharField(max_length=200, help_text="What the sender called it")
    size = models.BigIntegerField(help_text="Bytes")
    sha256 = models.CharField(max_length=64, db_index=True)
    state = models.CharField(max_length=10, choices=State, default=State.UPLOADED)
    stage = models.CharField(max_length=40, blank=True, help_text="What is being done with it now")
    progress = models.FloatField(default=0, validators=[MinValueValidator(0), MaxValueValidator(1)], help_text="0-1 of the whole work")
    reason = models.CharField(max_length=40, blank=True, help_text="Code of why it was refused; ads.creatives.reasons says it in words")
    problem = models.CharField(max_length=300, blank=True, help_text="Why it was refused, in words, with the figures of this file")
    facts = models.JSONField(default=dict, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True, help_text="Last sign of life of whoever works on it")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-uploaded_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(state="refused") | ~Q(reason=""), name="refused_creative_names_its_reason"),
            models.CheckConstraint(condition=Q(progress__gte=0) & Q(progress__lte=1), name="creative_progress_is_a_share"),
        ]

    def __str__(self) -> str:
        return self.name


class Companion(models.Model):
    """A picture that stands beside the player while the ad plays (VAST 4.2 section 3.15)."""

    class Required(models.TextChoices):
        ALL = "all"
        ANY = "any"
        NONE = "none"

    ad = models.ForeignKey(Ad, on_delete=models.CASCADE, related_name="companions")
    picture = models.ImageField(upload_to=picture_name, width_field="width", height_field="height", max_length=200)
    width = models.PositiveIntegerField(editable=False, default=0)
    height = models.PositiveIntegerField(editable=False, default=0)
    click_through = models.URLField(max_length=500, blank=True, help_text="Empty: where the ad itself leads")
    alt_text = models.CharField(max_length=200, blank=True)
    slot = models.CharField(max_length=40, blank=True, help_text="Ad slot of the page it is meant for; empty: any of its size")
    history = HistoricalRecords()

    class Meta:
        ordering = ["ad", "-width", "pk"]

    def __str__(self) -> str:
        return f"{self.width}x{self.height} companion of {self.ad}"


class AdIcon(models.Model):
    """A small mark laid over the clip, such as that of a privacy programme (VAST 4.2 section 3.11)."""

    ad = models.ForeignKey(Ad, on_delete=models.CASCADE, related_name="icons")
    program = models.CharField(max_length=40, help_text="For example AdChoices")
    picture = models.ImageField(upload_to=picture_name, width_field="width", height_field="height", max_length=200)
    width = models.PositiveIntegerField(editable=False, default=0)
    height = models.PositiveIntegerField(editable=False, default=0)
    x_position = models.CharField(max_length=5, default="right", help_text="left, right, or pixels from the left")
    y_position = models.CharField(max_length=6, default="top", help_text="top, bottom, or pixels from the top")
    starts = models.FloatField(default=0, validators=[MinValueValidator(0)], help_text="Seconds into the ad")
    lasts = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0.1)], help_text="Seconds; empty: to the end of the ad")
    click_through = models.URLField(max_length=500, blank=True)
    alt_text = models.CharField(max_length=200, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["ad", "pk"]
        constraints = [models.UniqueConstraint(fields=["ad", "program"], name="icon_once_per_program")]

    def __str__(self) -> str:
        return f"{self.program} icon of {self.ad}"


class AdVerification(models.Model):
    """Somebody who measures the ad with a script of their own in the player (VAST 4.2 section 3.16, Open Measurement)."""

    ad = models.ForeignKey(Ad, on_delete=models.CASCADE, related_name="verifications")
    vendor = models.CharField(max_length=100, help_text="As the vendor names itself, for example company.com-omid")
    script = models.URLField(max_length=500, help_text="Address of its JavaScript")
    api_framework = models.CharField(max_length=20, default="omid")
    browser_optional = models.BooleanField(default=True, help_text="It runs without a browser's page too")
    parameters = models.TextField(blank=True, max_length=4000)
    not_executed = models.URLField(max_length=500, blank=True, help_text="Asked for with [REASON] when the script could not run")
    history = HistoricalRecords()

    class Meta:
        ordering = ["ad", "vendor"]
        constraints = [models.UniqueConstraint(fields=["ad", "vendor"], name="verification_once_per_vendor")]

    def __str__(self) -> str:
        return f"{self.vendor} on {self.ad}"
