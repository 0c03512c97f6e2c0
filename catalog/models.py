"""Titles, their scenes with the author's precedence graph, and packaged media. Facts about content; no viewer and no ad in here."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q


class Genre(models.Model):
    name = models.CharField(max_length=40, unique=True)
    slug = models.SlugField(max_length=40, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Mood(models.TextChoices):
    DAWN = "dawn"
    DAY = "day"
    STORM = "storm"
    DUSK = "dusk"
    NIGHT = "night"
    CHASE = "chase"
    CALM = "calm"
    FINALE = "finale"


class Setting(models.TextChoices):
    OCEAN = "ocean"
    CITY = "city"
    SPACE = "space"
    FOREST = "forest"
    WINTER = "winter"
    DESERT = "desert"
    # A test film: its clips say themselves what they show, and it has no pictures.
    DIAGNOSTIC = "diagnostic"


class MediaAsset(models.Model):
    """One packaged fMP4 HLS clip of a scene or of an ad.

    ``segments`` is ``[{"uri": str, "duration": seconds, "tight": bool}]`` in playing order, URIs relative to ``path``,
    durations as packaged (never nominal). ``tight`` is false for segments that the tight cut leaves out.
    """

    class Kind(models.TextChoices):
        SCENE = "scene"
        AD = "ad"

    class State(models.TextChoices):
        MISSING = "missing"
        BUILDING = "building"
        READY = "ready"
        BROKEN = "broken"

    kind = models.CharField(max_length=8, choices=Kind)
    key = models.SlugField(max_length=80, unique=True, help_text="Stable name, for example ember-coast-s1 or ad-volt-coffee-1")
    recipe = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what the clip was made from; names its folder")
    path = models.CharField(max_length=200, blank=True, help_text="Folder below the media root")
    init_uri = models.CharField(max_length=100, default="init.mp4")
    segments = models.JSONField(default=list, blank=True)
    duration = models.FloatField(default=0, validators=[MinValueValidator(0)], help_text="Seconds, the sum of the packaged segments")
    width = models.PositiveIntegerField(default=640)
    height = models.PositiveIntegerField(default=360)
    captions = models.TextField(blank=True, help_text="WebVTT on the clip's own timeline")
    look = models.JSONField(default=dict, blank=True, help_text="What the clip is drawn from: seconds and, for an ad, its brand look")
    files = models.JSONField(default=dict, blank=True, help_text="Size and SHA-256 of every packaged file, to know a damaged clip")
    state = models.CharField(max_length=8, choices=State, default=State.MISSING)
    problem = models.CharField(max_length=300, blank=True, help_text="Why the clip is missing or broken, in words")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(state="ready") | (Q(duration__gt=0) & ~Q(path="")), name="ready_asset_has_media"),
        ]

    def __str__(self) -> str:
        return self.key


class Title(models.Model):
    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=120, unique=True)
    synopsis = models.TextField(blank=True)
    tagline = models.CharField(max_length=120, blank=True)
    genres = models.ManyToManyField(Genre, related_name="titles")
    year = models.PositiveIntegerField(default=2026)
    maturity = models.CharField(max_length=8, default="PG")
    accent = models.CharField(max_length=7, default="#3A86FF", help_text="Colour of the title's own look")
    backdrop = models.CharField(max_length=7, default="#0B132B")
    setting = models.CharField(max_length=20, choices=Setting, default=Setting.CITY, help_text="What the drawn landscape shows")
    poster = models.CharField(max_length=200, blank=True, help_text="2:3 picture below the media root")
    card = models.CharField(max_length=200, blank=True, help_text="16:9 picture below the media root")
    hero = models.CharField(max_length=200, blank=True, help_text="Wide picture below the media root, without lettering")
    motif = models.CharField(max_length=20, blank=True, help_text="What moves through the landscape, for example lighthouse or train")
    published = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=0, help_text="Order of building and of the first row")
    change_budget = models.PositiveIntegerField(default=3, help_text="Most changes the Director may make in one playback")

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class Scene(models.Model):
    """One scene. ``requires`` are the scenes the author wants seen before; position 1 opens and the last one ends the film."""

    title = models.ForeignKey(Title, on_delete=models.CASCADE, related_name="scenes")
    position = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    name = models.CharField(max_length=120)
    mood = models.CharField(max_length=10, choices=Mood)
    intensity = models.FloatField(validators=[MinValueValidator(0), MaxValueValidator(1)])
    tags = models.JSONField(default=list, blank=True)
    optional = models.BooleanField(default=False)
    break_after = models.BooleanField(default=False, help_text="The author allows an ad break after this place in the film")
    requires = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="required_by")
    asset = models.OneToOneField(MediaAsset, null=True, blank=True, on_delete=models.PROTECT, related_name="scene")

    class Meta:
        ordering = ["title", "position"]
        constraints = [
            models.UniqueConstraint(fields=["title", "position"], name="scene_position_once_per_title"),
            models.CheckConstraint(condition=Q(intensity__gte=0) & Q(intensity__lte=1), name="scene_intensity_is_a_share"),
            models.CheckConstraint(condition=Q(position__gte=1), name="scene_positions_start_at_one"),
        ]

    def __str__(self) -> str:
        return f"{self.title.name} {self.position}: {self.name}"
