"""The YAML file that describes a synthetic audience, checked when read."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from pathlib import Path

import msgspec
import yaml

DEFAULT = Path(__file__).with_name("default_audience.yaml")
LARGEST_AUDIENCE = 1_000_000
SATURDAY = 5
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
    invalid_traffic: InvalidTraffic | None = None


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
    rhythm = audience.rhythm
    weekend = rhythm.weekend_hours or rhythm.hours
    for name, values, length in (("rhythm.hours", rhythm.hours, 24), ("rhythm.weekend_hours", weekend, 24), ("rhythm.weekdays", rhythm.weekdays, 7)):
        if len(values) != length or min(values) < 0 or sum(values) <= 0:
            found.append(f"{name} needs {length} weights, none negative and not all 0")
    shares = {"segments": {segment.name: segment.share for segment in audience.segments}}
    shares |= {f"profile.{name}": getattr(profile, name) for name in ("devices", "age_bands", "genders", "tiers")}
    shares["profile.places"] = {place.country: place.share for place in profile.places}
    if audience.invalid_traffic is not None:
        shares["invalid_traffic.kinds"] = audience.invalid_traffic.kinds
        unknown = sorted(set(audience.invalid_traffic.kinds) - set(INVALID_KINDS))
        found += [f"invalid_traffic.kinds has no “{kind}”; it has {', '.join(INVALID_KINDS)}" for kind in unknown]
    known = zoneinfo.available_timezones()
    found += [f"profile.places: there is no zone “{zone}”" for place in profile.places for zone in place.zones if zone not in known]
    found += [f"profile.places: {place.country} needs a zone" for place in profile.places if not place.zones]
    for name, weights in shares.items():
        if not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
            found.append(f"{name} needs shares, none negative and not all 0")
    invalid = audience.invalid_traffic.share if audience.invalid_traffic else 0.0
    part_of_all = {"profile.consent": profile.consent, "rating.share": audience.rating.share, "invalid_traffic.share": invalid}
    part_of_all["watching.pause_in_ad"] = audience.watching.pause_in_ad
    part_of_all |= {f"watching.hidden_in_ad.{device}": share for device, share in audience.watching.hidden_in_ad.items()}
    for name, share in part_of_all.items():
        if not 0 <= share <= 1:
            found.append(f"{name} is a share from 0 to 1, not {share}")
    if profile.monthly_hours.median <= 0:
        found.append("profile.monthly_hours.median must be above 0")
    if any(segment.intensity.width <= 0 for segment in audience.segments):
        found.append("segments: intensity.width must be above 0")
    return found
