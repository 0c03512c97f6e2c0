"""What a headline is like, how such lines did, and new ones by template. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scipy.special import betaincinv

from ads.selling.rules import headline_problem

LONGEST = 60
# Worth of an interval: below this many impressions nothing is said of a kind of line.
FEWEST_IMPRESSIONS = 200
KINDS = {
    "question": "asks something",
    "brand": "begins with the brand",
    "invitation": "tells the viewer what to do",
    "statement": "states something",
}
_INVITING = frozenset(
    [
        "see",
        "watch",
        "find",
        "try",
        "take",
        "come",
        "join",
        "go",
        "get",
        "meet",
        "discover",
        "book",
        "spend",
        "stream",
        "listen",
        "start",
        "hop",
        "wake",
        "sleep",
        "reach",
        "slow",
        "charge",
        "make",
    ]
)
# A line that claims what nobody checked: prices, figures, and being the best of all.
_CLAIM = re.compile(r"\d|%|\b(?:best|cheapest|fastest|safest|number one|guaranteed?|free|always|never|only|winner|award)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Shown:
    """One line as it ran: what it was, how often it was shown and clicked."""

    headline: str
    impressions: int
    clicks: int


@dataclass(frozen=True)
class Record:
    """How lines of one kind did: the click rate with its 95 % interval (Jeffreys), and how many lines and impressions that rests on."""

    kind: str
    lines: int
    impressions: int
    clicks: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Segment:
    """Whom a line is for; what is empty is everybody."""

    device: str = ""
    genre: str = ""


def kind_of(headline: str, *, brand: str) -> str:
    words = headline.casefold().split()
    if headline.rstrip().endswith("?"):
        return "question"
    if words and brand and headline.casefold().startswith(brand.casefold()):
        return "brand"
    return "invitation" if words and words[0].strip(",:") in _INVITING else "statement"


def records(shown: Sequence[tuple[str, Shown]]) -> dict[str, Record]:
    """Of (brand, line) pairs, by kind; kinds below FEWEST_IMPRESSIONS are left out: nothing can be said of them."""
    found: dict[str, Record] = {}
    for kind in KINDS:
        lines = [line for brand, line in shown if line.headline and kind_of(line.headline, brand=brand) == kind]
        impressions, clicks = sum(line.impressions for line in lines), sum(line.clicks for line in lines)
        if impressions >= FEWEST_IMPRESSIONS:
            low, high = interval(clicks, impressions)
            found[kind] = Record(kind, len({line.headline for line in lines}), impressions, clicks, clicks / impressions, low, high)
    return found


def interval(clicks: int, impressions: int) -> tuple[float, float]:
    """95 % of the posterior under Jeffreys' prior (Brown, Cai & DasGupta 2001)."""
    a, b = clicks + 0.5, impressions - clicks + 0.5
    return (0.0 if clicks == 0 else float(betaincinv(a, b, 0.025))), (1.0 if clicks == impressions else float(betaincinv(a, b, 0.975)))


def ordered(kinds: Sequence[str], known: Mapping[str, Record]) -> list[str]:
    """Kinds with a record by its lower bound first, as that is what can be relied on; the untried after them, in their own order."""
    tried = sorted((kind for kind in kinds if kind in known), key=lambda kind: -known[kind].low)
    return [*tried, *(kind for kind in kinds if kind not in known)]


def candidates(*, product: str, brand: str, category: str, segment: Segment, sites: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(kind, line) of templates for a product in its category, worded for a screen and a mood. ``sites`` are the words for devices."""
    product = product.partition(",")[0].strip()
    benefit, act = _CATEGORIES.get(category, _CATEGORIES[""])
    screen = sites.get(segment.device, "")
    mood = _MOODS.get(segment.genre, "")
    yield "question", f"Ready for {product}?"
    yield "question", f"{_sentence(act)} {mood or 'today'}?"
    yield "brand", f"{brand}: {benefit}"
    yield "brand", f"{brand}. {_sentence(product)}."
    yield "invitation", f"Meet {product}"
    yield "invitation", f"Discover {product}{f' on your {screen}' if screen else ''}"
    yield "statement", f"{_sentence(product)}, {benefit}"
    if mood:
        yield "statement", f"{_sentence(product)} {mood}"


def problem(headline: str) -> str | None:
    """Why a suggested line may not stand, in words. Stricter than for a line that a person wrote and answers for."""
    if not headline.strip():
        return "it is empty"
    if len(headline) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if words := headline_problem(headline):
        return words
    if _CLAIM.search(headline):
        return "it claims what nobody has checked (a figure, a price, or being the best)"
    return None


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


# Category: what it promises without a claim that would need proof, and what one does with it.
_CATEGORIES = {
    "automotive": ("room for the road ahead", "fancy a drive"),
    "food_drink": ("made for a slow moment", "time for a break"),
    "telecom": ("stay close to your people", "who would you call"),
    "retail": ("made for going outside", "what will you take along"),
    "finance": ("your money at a glance", "where does your money go"),
    "travel": ("somewhere else, soon", "where would you go"),
    "gaming": ("one more round", "fancy a game"),
    "entertainment": ("a story worth your time", "what will you watch"),
    "": ("made for you", "curious"),
}
_MOODS = {
    "drama": "when the story is over",
    "comedy": "for a good mood",
    "sci-fi": "for a step ahead",
    "thriller": "to catch your breath",
    "romance": "for two",
    "documentary": "for the curious",
    "animation": "for all ages",
    "adventure": "for the way out",
}
