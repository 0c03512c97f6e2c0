"""The YAML file that describes a synthetic audience, checked when read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

DEFAULT = Path(__file__).with_name("default_audience.yaml")
DISLIKES_REORDERING = Path(__file__).with_name("dislikes_reordering.yaml")
SATURDAY = 5
DEEPEST_EXTENSION = 5
# What invalid traffic there is; `invalid` plays it.
INVALID_KINDS = ("crawler", "other_browser", "replay", "click_first", "hurried", "burst", "wrong_clock")


class AudienceProblem(ValueError):
    """The audience file cannot be used; the message names the place and what is wrong there."""


class Rhythm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights of the hours of a day, those of Saturday and Sunday where they differ, and of the days of a week from Monday."""

    hours: list[float]
    weekdays: list[float]
    weekend_hours: list[float] | None = None

    def weight(self, local: datetime) -> float:
        """How many sessions begin in this hour, against others, where the clock shows ``local``."""
        hours = self.weekend_hours if self.weekend_hours and local.weekday() >= SATURDAY else self.hours
        return hours[local.hour] / sum(hours) * self.weekdays[local.weekday()]


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a share of the people lives: in one country, spread evenly over these zones."""

    country: str
    share: float
    zones: list[str]


class MonthlyHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Log-normal: median in hours, spread as the standard deviation of the logarithm."""

    median: float
    spread: float


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    devices: dict[str, float]
    age_bands: dict[str, float]
    genders: dict[str, float]
    tiers: dict[str, float]
    consent: float
    monthly_hours: MonthlyHours
    places: tuple[Place, ...] = (Place("", 1.0, ["UTC"]),)


class Intensity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ideal: float
    width: float


class Normal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mean: float
    spread: float


class Segment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    share: float
    moods: dict[str, float]
    intensity: Intensity
    patience: Normal
    interests: dict[str, float]
    genres: dict[str, float] = {}


class OwnTaste(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mood: float
    genre: float
    interest: float


class Watching(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    base: float
    taste: float
    fatigue_per_scene: float
    after_ads: float
    per_ad_second: float
    stall_per_second: float
    pause: float
    rewind: float
    skip: float
    hide: float
    rate: float
    stall: float
    pause_in_ad: float = 0.0
    hidden_in_ad: dict[str, float] = {}
    minutes_paused: float = 0.0


class Story(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a change of the film, and what went before a scene, do to staying; all in log-odds. The defaults are those of people whom
    none of it moves."""

    momentum: float = 0.0
    memory: float = 0.5
    after_ads_per_momentum: float = 0.0
    cut: float = 0.0
    reorder: Normal = Normal(0.0, 0.0)
    lingering: Normal = Normal(0.0, 0.0)
    as_edited: float = 0.0


class Suggesting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Log-odds of following a suggestion, and what one that is not followed does to staying."""

    base: float = -4.0
    bored: float = 0.0
    taste: float = 0.0
    annoyance: float = 0.0


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Connections: ``poor`` is the share of playbacks on a bad one, ``spell`` the share of scenes there that are hit."""

    poor: float = 0.0
    spell: float = 0.0
    stall: float = 0.0
    buffer: float = 1.0
    dropped: float = 0.0
    leave: float = 0.0


class Complaining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Log-odds of a complaint after a playback, about each cause by itself."""

    base: float = -99.0
    per_ad_second: float = 0.0
    order: float = 0.0
    picture: float = 0.0


class Returning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a playback moves what a person thinks of the service, and that moves when, and whether, they come again."""

    memory: float = 0.5
    finished: float = 0.0
    per_ad_share: float = 0.0
    per_poor_share: float = 0.0
    pull: float = 0.0
    lost: float = -99.0
    per_pleasure: float = 0.0
    days_away: float = 60.0


class Clicking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    base: float
    interest: float
    device: dict[str, float]
    per_view_of_same_campaign: float
    weary_hours: float
    per_place_in_pod: float
    evening: float
    genre_fit: float
    creative: float


class Skipping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    base: float
    interest: float
    leave: float


class InvalidTraffic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Playbacks that no honest player would produce: their share of all, and how they divide into kinds (`invalid.KINDS`)."""

    share: float
    kinds: dict[str, float]


class RatingHabit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    share: float


class Audience(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    people: int
    rhythm: Rhythm
    profile: Profile
    segments: list[Segment]
    own_taste: OwnTaste
    watching: Watching
    clicking: Clicking
    skipping: Skipping
    rating: RatingHabit
    story: Story = Story()
    suggesting: Suggesting = Suggesting()
    network: Network = Network()
    complaining: Complaining = Complaining()
    returning: Returning = Returning()
    invalid_traffic: InvalidTraffic | None = None


def load(path: Path) -> Audience:
    """Raises AudienceProblem when the file is missing, is no YAML, or describes no possible audience."""
    from .checks import problems

    try:
        audience = msgspec.convert(_read(path), Audience)
    except msgspec.ValidationError as error:
        raise AudienceProblem(f"{path}: {error}") from error
    for problem in problems(audience):
        raise AudienceProblem(f"{path}: {problem}")
    return audience


def _read(path: Path, *, depth: int = 0) -> Any:
    """What a file says, on top of what the one it ``extends`` says."""
    try:
        raw = yaml.safe_load(path.read_text())
    except OSError as error:
        raise AudienceProblem(f"cannot read {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise AudienceProblem(f"{path} is no YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(raw, dict) or "extends" not in raw:
        return raw
    if depth >= DEEPEST_EXTENSION:
        raise AudienceProblem(f"{path}: audiences extend each other more than {DEEPEST_EXTENSION} deep, or in a circle")
    return _over(_read(path.parent / str(raw.pop("extends")), depth=depth + 1), raw)


def _over(below: Any, above: Any) -> Any:
    """Mappings are laid over each other name by name; anything else takes the place of what was there."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{name: _over(below[name], value) if name in below else value for name, value in above.items()}}
