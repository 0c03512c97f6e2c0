"""The YAML file that describes a synthetic audience, checked when read."""

from __future__ import annotations

from pathlib import Path

import msgspec
import yaml

DEFAULT = Path(__file__).with_name("default_audience.yaml")
LARGEST_AUDIENCE = 1_000_000


class AudienceProblem(ValueError):
    """The audience file cannot be used; the message names the place and what is wrong there."""


class Rhythm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hours: list[float]
    weekdays: list[float]


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


def load(path: Path) -> Audience:
    """Raises AudienceProblem when the file is missing, is no YAML, or describes no possible audience."""
    try:
        raw = yaml.safe_load(path.read_text())
    except OSError as error:
        raise AudienceProblem(f"cannot read {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise AudienceProblem(f"{path} is no YAML: {str(error).splitlines()[0]}") from error
    try:
        audience = msgspec.convert(raw, Audience)
    except msgspec.ValidationError as error:
        raise AudienceProblem(f"{path}: {error}") from error
    for problem in _problems(audience):
        raise AudienceProblem(f"{path}: {problem}")
    return audience


def _problems(audience: Audience) -> list[str]:
    profile = audience.profile
    found = []
    if not 1 <= audience.people <= LARGEST_AUDIENCE:
        found.append(f"people must be 1 to {LARGEST_AUDIENCE}, not {audience.people}")
    for name, values, length in (("rhythm.hours", audience.rhythm.hours, 24), ("rhythm.weekdays", audience.rhythm.weekdays, 7)):
        if len(values) != length or min(values) < 0 or sum(values) <= 0:
            found.append(f"{name} needs {length} weights, none negative and not all 0")
    shares = {"segments": {segment.name: segment.share for segment in audience.segments}}
    shares |= {f"profile.{name}": getattr(profile, name) for name in ("devices", "age_bands", "genders", "tiers")}
    for name, weights in shares.items():
        if not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
            found.append(f"{name} needs shares, none negative and not all 0")
    for name, share in (("profile.consent", profile.consent), ("rating.share", audience.rating.share)):
        if not 0 <= share <= 1:
            found.append(f"{name} is a share from 0 to 1, not {share}")
    if profile.monthly_hours.median <= 0:
        found.append("profile.monthly_hours.median must be above 0")
    if any(segment.intensity.width <= 0 for segment in audience.segments):
        found.append("segments: intensity.width must be above 0")
    return found
