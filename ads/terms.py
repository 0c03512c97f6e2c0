"""What a campaign and a flight may say: targeting, caps and money, checked as typed values with words a media planner understands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .countries import COUNTRIES
from .ctr.features import AGE_BANDS, CATEGORIES, DEVICES, GENDERS, MOODS, POSITIONS, TIERS
from .decision.auction import RESERVE_MICROS
from .decision.inventory import LIFETIME, POD, PRICINGS, SLOT_POSITIONS, STREAM, TARGETABLE, UNIT_SECONDS, Value
from .decision.inventory import TIERS as TIERS_SOLD

KEYS = tuple(TARGETABLE)
DIRECTIONS = ("include", "exclude")
# A break has one of each of these; of the others it may have several.
SEVERAL = frozenset({"genres", "tags", "segments"})
SCOPES = ("ad", "flight", "campaign", "advertiser")
PERS = (*UNIT_SECONDS, LIFETIME, POD, STREAM)
LONGEST_CAP_SECONDS = 31 * 86_400
# What an inventory can be packed with, and far above what anybody sells.
MOST_IN_A_CAP = 1_000_000
MOST_CAPS = 20
LARGEST_GOAL = 10**12
# So many wrong values are named; the rest of a long list says no more.
NAMED = 20
MICROS = 1_000_000
# What planners call them -> what is stored.
_UNIT_OF = {**{unit: unit for unit in PERS}, "break": POD, "playback": STREAM}
_WORD_OF = {POD: "break", STREAM: "playback"}
_CAP = re.compile(rf"^\s*(\d+)\s*(?:x|times)?\s*(?:per|in|every)\s*(\d+)?\s*({'|'.join(_UNIT_OF)})s?\s*(?:per\s+(\w+))?\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the catalogue and the audience add to the values that targeting knows: ids of titles, slugs of genres, ratings, tags of
    scenes, segments of viewers. `ads.vocabulary.current` reads it."""

    titles: tuple[int, ...] = ()
    genres: tuple[str, ...] = ()
    maturity: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()

    def of(self, key: str) -> tuple[Value, ...] | None:
        """Every value of a targeting key, None for a key there is not."""
        known: dict[str, tuple[Value, ...]] = {
            "titles": self.titles,
            "genres": self.genres,
            "maturity": self.maturity,
            "moods": MOODS,
            "tags": self.tags,
            "devices": DEVICES,
            "tiers": TIERS,
            "age_bands": AGE_BANDS,
            "genders": GENDERS,
            "countries": COUNTRIES,
            "dayparts": tuple(range(24)),
            "weekdays": tuple(range(7)),
            "break_positions": POSITIONS,
            "segments": self.segments,
        }
        return known.get(key)


# Targeting


def targeting_problems(targeting: Any, vocabulary: Vocabulary) -> Iterator[str]:
    if not isinstance(targeting, dict) or targeting.keys() - set(DIRECTIONS) or not all(isinstance(asked, dict) for asked in targeting.values()):
        yield 'Targeting must be an object such as {"include": {"devices": ["tv"]}, "exclude": {"genres": ["horror"]}}.'
        return
    for asked in targeting.values():
        for key, values in asked.items():
            yield from _value_problems(key, values, vocabulary)


def _value_problems(key: str, values: Any, vocabulary: Vocabulary) -> Iterator[str]:
    known = vocabulary.of(key)
    if known is None:
        yield f"Targeting has no “{key}”; it has {_list(KEYS)}."
    elif not isinstance(values, list):
        yield f"“{key}” must be a list of values."
    elif wrong := [value for value in values if not _is_value(value) or value not in known]:
        few = f"it knows {_list(map(str, known[:40]))}{'' if len(known) <= 40 else ' ...'}" if known else "there is none yet"
        yield f"“{key}” does not know {_list(map(_short, wrong[:NAMED]))}; {few}."


def unreadable(targeting: Any, caps: Any) -> Iterator[str]:
    """What keeps stored terms from being served or reasoned about, whatever the catalogue holds today.

    Values that nobody has any more are sound here: they match nobody.
    """
    if not isinstance(targeting, dict) or targeting != readable(targeting):
        yield "its targeting is no targeting"
    if not isinstance(caps, list):
        yield "its frequency caps are no list"
    else:
        # One by one: caps that are there twice, or are too many, can be counted all the same.
        yield from (words for cap in caps for words in cap_problems([cap]))


def unknown_choices(*, tier: str, pricing: str, slot_position: str, excluded_categories: Any) -> Iterator[str]:
    """What a stored flight says that no inventory can hold."""
    for name, value, known in (("tier", tier, TIERS_SOLD), ("pricing", pricing, PRICINGS), ("slot position", slot_position, SLOT_POSITIONS)):
        if value not in known:
            yield f"there is no {name} “{_short(value)}”"
    if not isinstance(excluded_categories, list) or not all(isinstance(name, str) for name in excluded_categories):
        yield "its excluded categories are no list of words"


def readable(targeting: Any) -> dict[str, dict[str, list[Value]]]:
    """As much of stored targeting as has the right shape."""
    asked = targeting if isinstance(targeting, dict) else {}
    return {
        direction: {
            key: [value for value in values if _is_value(value)] for key, values in keys.items() if key in TARGETABLE and isinstance(values, list)
        }
        for direction, keys in asked.items()
        if direction in DIRECTIONS and isinstance(keys, dict)
    }


# Frequency caps


def cap_problems(caps: Any) -> Iterator[str]:
    if not isinstance(caps, list):
        yield 'Frequency caps must be a list such as [{"scope": "flight", "count": 3, "per": "day", "times": 1}].'
        return
    if len(caps) > MOST_CAPS:
        yield f"These are {len(caps):,} caps; {MOST_CAPS} are the most."
        return
    found: list[Any] = []
    for cap in caps:
        if not isinstance(cap, dict) or set(cap) != {"scope", "count", "per", "times"}:
            yield f"A cap has scope, count, per and times, nothing else and nothing less: {_short(cap)}."
        elif cap["scope"] not in SCOPES:
            yield f"A cap's scope is {_list(SCOPES)}, not “{_short(cap['scope'])}”."
        elif cap["per"] not in PERS:
            yield f"A cap counts per {_list(PERS)}, not per “{_short(cap['per'])}”."
        elif not _is_whole(cap["count"]) or not 1 <= cap["count"] <= MOST_IN_A_CAP:
            yield f"A cap allows at least 1 impression and at most {MOST_IN_A_CAP:,}, as a whole number; without a cap there is no limit."
        elif not _is_whole(cap["times"]) or cap["times"] < 1:
            yield "A cap counts over at least 1 unit of time, as a whole number."
        elif cap["per"] not in UNIT_SECONDS and cap["times"] != 1:
            yield f"A cap per {_WORD_OF.get(cap['per'], cap['per'])} counts over one of them; write “3 per {_WORD_OF.get(cap['per'], cap['per'])}”."
        elif cap["times"] * UNIT_SECONDS.get(cap["per"], 0) > LONGEST_CAP_SECONDS:
            yield f"A cap's window is at most {LONGEST_CAP_SECONDS // 86_400} days; a longer one cannot be counted, but a lifetime can."
        elif cap in found:
            yield f"“{_cap_words(cap, '')}” is there twice; once is enough."
        found.append(cap)


def read_caps(text: str, *, scope: str = "flight") -> list[dict[str, Any]]:
    """Caps written one a line, such as ``3 per day``, ``2 per 30 minutes per campaign`` or ``1 per break per advertiser``.

    ``scope`` is what a line without one means. Raises ValueError in words.
    """
    caps = []
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _CAP.match(line)
        if match is None:
            raise ValueError(
                f"“{_short(line)}” is no cap. Write one a line, such as “3 per day”, “2 per 30 minutes per campaign” or “1 per playback”."
            )
        count, many, unit, named = match.groups()
        if max(len(count), len(many or "")) > len(str(MOST_IN_A_CAP)):
            raise ValueError(
                f"“{_short(line)}”: a cap allows at most {MOST_IN_A_CAP:,} impressions over at most {LONGEST_CAP_SECONDS // 86_400} days."
            )
        named = (named or scope).lower()
        # A cap has always been counted on each viewer, so some planners say so.
        caps.append({"scope": scope if named == "viewer" else named, "count": int(count), "per": _UNIT_OF[unit.lower()], "times": int(many or 1)})
    return caps


def write_caps(caps: Any, *, scope: str = "flight") -> str:
    """The text that `read_caps` reads back."""
    return "\n".join(_cap_words(cap, scope) for cap in (caps if isinstance(caps, list) else [caps] if caps else []))


def _cap_words(cap: Any, scope: str) -> str:
    if not isinstance(cap, dict) or set(cap) != {"scope", "count", "per", "times"}:
        # It is shown as it is stored, so that who opens the page can mend it.
        return str(cap)
    unit, many = _WORD_OF.get(str(cap["per"]), cap["per"]), cap["times"]
    return f"{cap['count']} per {unit if many == 1 else f'{many} {unit}s'}" + ("" if cap["scope"] == scope else f" per {cap['scope']}")


def category_problems(categories: Any) -> Iterator[str]:
    if not isinstance(categories, list):
        yield "Excluded categories must be a list."
        return
    wrong = [value for value in categories if value not in CATEGORIES]
    if wrong:
        yield f"There is no category {_list(map(_short, wrong[:NAMED]))}; there are {_list(CATEGORIES)}."


# Money and goals


@dataclass(frozen=True, slots=True)
class Sold:
    """What was sold, as a form or an API sends it; amounts that are not there are None. ``reserve_micros`` is the least price of
    1,000 impressions."""

    tier: str
    pricing: str
    bid_micros: int
    goal_type: str
    goal_amount: int | None
    daily_goal_amount: int | None
    budget_micros: int
    daily_budget_micros: int | None
    share_of_voice: float | None
    reserve_micros: int = RESERVE_MICROS * 1000


def sold_problems(sold: Sold) -> Iterator[tuple[str, str]]:
    """(field, words) for terms that can never deliver or never be billed."""
    yield from _tier_problems(sold)
    yield from _goal_problems(sold)
    if sold.tier != "house":
        yield from _price_problems(sold)
        yield from _budget_problems(sold)


def _tier_problems(sold: Sold) -> Iterator[tuple[str, str]]:
    if sold.tier == "sponsorship" and sold.share_of_voice is None:
        yield "share_of_voice", "A sponsorship is sold as a share of voice: say which share of the breaks it matches, 1 for all of them."
    if sold.tier != "sponsorship" and sold.share_of_voice is not None:
        yield "share_of_voice", "Only a sponsorship has a share of voice; leave it empty or make the flight a sponsorship."
    if sold.tier == "standard" and sold.goal_amount is None:
        yield "goal_amount", "A standard flight guarantees a goal: say how much, or sell it by price priority."
    if sold.tier == "house" and (sold.bid_micros or sold.budget_micros):
        yield "bid_micros", "A house flight costs nothing; leave its bid and its budget at 0."


def _goal_problems(sold: Sold) -> Iterator[tuple[str, str]]:
    if sold.goal_type == "clicks" and sold.pricing == "cpcv":
        yield "goal_type", "A flight charged for completed views cannot have a goal of clicks; sell it by CPC or CPM."
    if sold.goal_type == "completed_views" and sold.pricing == "cpc":
        yield "goal_type", "A flight charged for clicks cannot have a goal of completed views; sell it by CPCV or CPM."
    if sold.goal_type == "spend" and sold.tier == "house":
        yield "goal_type", "A house flight spends nothing, so spend cannot be its goal."
    for field, amount in (("goal_amount", sold.goal_amount), ("daily_goal_amount", sold.daily_goal_amount)):
        if amount is not None and sold.goal_type != "spend" and amount > LARGEST_GOAL:
            yield field, f"A goal is at most {LARGEST_GOAL:,}."
    if None not in (sold.goal_amount, sold.daily_goal_amount) and sold.daily_goal_amount > sold.goal_amount:  # type: ignore[operator]
        yield "daily_goal_amount", "The daily goal is larger than the whole goal."


def _price_problems(sold: Sold) -> Iterator[tuple[str, str]]:
    if sold.bid_micros <= 0:
        yield "bid_micros", "A flight needs a bid: without a price it can never win."
    elif sold.pricing == "cpm" and sold.bid_micros < sold.reserve_micros:
        reserve = f"{sold.reserve_micros / MICROS:.2f}"
        yield "bid_micros", f"The bid is below the reserve price of {reserve} per thousand impressions, so it can never win."


def _budget_problems(sold: Sold) -> Iterator[tuple[str, str]]:
    budget, daily = sold.budget_micros, sold.daily_budget_micros
    if budget <= 0:
        yield "budget_micros", "A flight needs a budget: it stops hard when the budget is spent."
    elif sold.bid_micros > 0 and budget < (sold.bid_micros // 1000 if sold.pricing == "cpm" else sold.bid_micros):
        yield "budget_micros", "The budget does not pay for a single charge at this bid."
    if daily is not None and daily <= 0:
        yield "daily_budget_micros", "A daily budget of nothing never serves; leave it empty for no daily limit."
    elif daily is not None and daily > budget > 0:
        yield "daily_budget_micros", "The daily budget is larger than the whole budget."


def currency_problems(currency: str, installation: str) -> Iterator[str]:
    if currency != installation:
        yield f"This installation sells in {installation}; a campaign in {currency or 'no currency'} would never serve. Sell it in {installation}."


def _is_value(value: Any) -> bool:
    """Equal is not enough: 5.0 and True are equal to an id and could not be read back from a stored inventory."""
    return type(value) is str or (type(value) is int and abs(value) < 2**63)


def _short(value: Any) -> str:
    """What was sent, cut where it would fill a page."""
    text = str(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _list(values: Iterable[str]) -> str:
    return ", ".join(values)
