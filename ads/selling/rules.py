"""What a flight may say and still be sold, and what it may say but hardly deliver. Pure: the world is an argument.

`refusals` stop a flight at every door; `warnings` are told and stop nothing. Money in micros, shares 0-1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ads import terms

from .reach import Targeting, TitleFacts, contradictions, covers, overlap, reachable

MICROS = 1_000_000
# The share of voice of sponsorships is typed in percent: sums that only rounding made too large are none.
SHARE_TOLERANCE = 1e-6
SPONSORSHIP, HOUSE = "sponsorship", "house"
UNIT_WORDS = {"impressions": "impressions", "completed_views": "completed views", "clicks": "clicks", "spend": "spend"}
FARTHEST = timedelta(days=3_653)
Problem = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class FlightTerms:
    """``targets`` holds the campaign's targeting, then the flight's; ``caps`` those of both, as `ads.terms` shapes them. ``delivered`` counts
    in the goal's own unit, ``booked_micros`` is what was charged."""

    name: str
    tier: str
    share_of_voice: float | None
    starts_at: datetime | None
    ends_at: datetime | None
    pricing: str
    bid_micros: int | None
    goal_type: str
    goal_amount: int | None
    daily_goal_amount: int | None
    budget_micros: int | None
    daily_budget_micros: int | None
    targets: tuple[Targeting, ...]
    caps: tuple[dict[str, object], ...] = ()
    currency: str = ""
    delivered: int = 0
    delivered_today: int = 0
    booked_micros: int = 0


@dataclass(frozen=True)
class Sponsor:
    """Another sponsorship that was sold: its share of the breaks it matches."""

    name: str
    share: float
    starts_at: datetime
    ends_at: datetime
    targets: tuple[Targeting, ...]


@dataclass(frozen=True)
class World:
    """What a flight is held against: the installation, the published titles, and the sponsorships already sold."""

    currency: str
    titles: tuple[TitleFacts, ...]
    default_reserve_micros: int
    sponsors: tuple[Sponsor, ...] = ()


def refusals(flight: FlightTerms, world: World) -> Iterator[Problem]:
    """(field, sentence) for everything that makes the flight unsellable."""
    if flight.starts_at and flight.ends_at and flight.ends_at <= flight.starts_at:
        yield "ends_at", "The flight ends before it starts."
    yield from (("campaign", words) for words in terms.currency_problems(flight.currency, world.currency))
    titles = reachable(world.titles, flight.targets)
    lowest = min((title.reserve_micros for title in titles), default=world.default_reserve_micros)
    if flight.bid_micros is not None and flight.budget_micros is not None:
        yield from terms.sold_problems(_sold(flight, flight.bid_micros, flight.budget_micros, lowest))
    yield from _reach_problems(flight, world, titles)
    yield from _reserve_problems(flight, world, lowest)
    if flight.goal_type == "spend" and flight.tier != HOUSE and 0 < (flight.budget_micros or 0) < (flight.goal_amount or 0):
        yield "goal_amount", "The goal is to spend more than the budget holds."
    yield from _share_problems(flight, world)


def warnings(flight: FlightTerms, world: World) -> Iterator[str]:
    """A sentence for each term that lets the flight be sold but will hardly let it deliver."""
    titles = reachable(world.titles, flight.targets)
    dear = [title for title in titles if flight.tier != HOUSE and most_worth(flight) < title.reserve_micros]
    if dear and len(dear) < len(titles):
        yield f"The bid is below the reserve price of {len(dear)} of the {len(titles)} titles it can reach: there it never wins."
    yield from _used_up(flight)
    if shortfall := _budget_shortfall(flight):
        yield shortfall
    if flight.daily_goal_amount and flight.goal_amount and flight.starts_at and flight.ends_at:
        days = max(1, (flight.ends_at - flight.starts_at + timedelta(days=1) - timedelta(microseconds=1)) // timedelta(days=1))
        if flight.daily_goal_amount * days < flight.goal_amount:
            yield f"The daily goal allows {_amount(flight, flight.daily_goal_amount * days)} in {days} days, and the whole goal is {_goal(flight)}."
    beside = _beside(flight, world)
    if beside and (flight.share_of_voice or 0) + _peak(flight, beside) > 1 + SHARE_TOLERANCE:
        names = " and ".join(sorted(other.name for other in beside))
        yield f"Where it meets {names}, more than 100 % of the breaks are sold: each sponsor gets less than its share there."


def date_problems(flight: FlightTerms, now: datetime, *, new: bool) -> Iterator[Problem]:
    """Dates on which nothing can serve: of a ``new`` flight those that are over, of every flight those of another decade."""
    if new and flight.ends_at and flight.ends_at <= now:
        yield "ends_at", f"This flight is over before it begins: it ends on {flight.ends_at:%d %b %Y}. Give it a later end."
    for field, at in (("starts_at", flight.starts_at), ("ends_at", flight.ends_at)):
        if at and abs(at - now) > FARTHEST:
            yield field, f"{at:%d %b} {at.year} is more than {FARTHEST.days // 365} years away; is the year right?"


def change_problems(before: FlightTerms, after: FlightTerms, *, served: bool) -> Iterator[Problem]:
    """What may not change once a flight was launched."""
    # Tokens of ads on screen carry the price of the event that was sold: charged on another one it would be many times too much.
    if served and after.pricing != before.pricing:
        yield "pricing", "This flight has served; its pricing stays. Make a new flight to sell it differently."


def most_worth(flight: FlightTerms) -> int:
    """Most that 1,000 impressions can be worth: each of them viewed, or clicked."""
    bid = flight.bid_micros or 0
    return bid if flight.pricing == "cpm" else bid * 1000


def money(micros: int, currency: str) -> str:
    digits = 2 if micros % 10_000 == 0 else 6
    text = f"{micros / MICROS:,.{digits}f}"
    return f"{text if digits == 2 else text.rstrip('0')} {currency}".strip()


def _sold(flight: FlightTerms, bid_micros: int, budget_micros: int, reserve_micros: int) -> terms.Sold:
    return terms.Sold(
        tier=flight.tier,
        pricing=flight.pricing,
        bid_micros=bid_micros,
        goal_type=flight.goal_type,
        goal_amount=flight.goal_amount,
        daily_goal_amount=flight.daily_goal_amount,
        budget_micros=budget_micros,
        daily_budget_micros=flight.daily_budget_micros,
        share_of_voice=flight.share_of_voice,
        reserve_micros=reserve_micros,
    )


def _reach_problems(flight: FlightTerms, world: World, titles: Sequence[TitleFacts]) -> Iterator[Problem]:
    nobody = list(contradictions(flight.targets))
    yield from (("targeting", words) for words in nobody)
    if world.titles and not titles and not nobody:
        yield "targeting", "It reaches nobody: no published title matches its titles, genres, maturity, moods, tags and break positions together."


def _reserve_problems(flight: FlightTerms, world: World, lowest: int) -> Iterator[Problem]:
    """CPM bids are held against the reserve as they are; the others by what an impression can be worth at most."""
    if flight.tier != HOUSE and flight.pricing != "cpm" and flight.bid_micros and 0 < most_worth(flight) < lowest:
        at_most = "viewed to its end" if flight.pricing == "cpcv" else "clicked"
        reserve = f"{money(lowest, world.currency)} per thousand impressions"
        yield "bid_micros", f"Even if every impression were {at_most}, this bid is below the reserve price of {reserve}, so it can never win."


def _share_problems(flight: FlightTerms, world: World) -> Iterator[Problem]:
    if flight.tier != SPONSORSHIP or not flight.share_of_voice:
        return
    same = [other for other in _beside(flight, world) if covers(other.targets, flight.targets)]
    sold = _peak(flight, same)
    if sold and flight.share_of_voice + sold > 1 + SHARE_TOLERANCE:
        names = ", ".join(sorted(other.name for other in same))
        left = max(0.0, 1 - sold)
        yield "share_of_voice", f"{sold:.0%} of these breaks is already sold in these dates ({names}); {left:.0%} is left."


def _beside(flight: FlightTerms, world: World) -> list[Sponsor]:
    """Sponsorships that run on some of the same days and could match some of the same breaks."""
    if flight.tier != SPONSORSHIP or not flight.starts_at or not flight.ends_at:
        return []
    return [
        other
        for other in world.sponsors
        if other.starts_at < flight.ends_at and other.ends_at > flight.starts_at and overlap(other.targets, flight.targets)
    ]


def _peak(flight: FlightTerms, others: Sequence[Sponsor]) -> float:
    """The largest share that ``others`` hold together at any moment of the flight."""
    begin = flight.starts_at
    moments = [max(other.starts_at, begin) for other in others] if begin else []
    return max((sum(other.share for other in others if other.starts_at <= moment < other.ends_at) for moment in moments), default=0.0)


def _used_up(flight: FlightTerms) -> Iterator[str]:
    """Goals and budgets that are reached already."""
    if flight.goal_amount and flight.delivered >= flight.goal_amount:
        yield f"Already {_of(flight, flight.delivered, flight.goal_amount)} are delivered: it stops at once."
    if flight.daily_goal_amount and flight.delivered_today >= flight.daily_goal_amount:
        yield f"Already {_of(flight, flight.delivered_today, flight.daily_goal_amount)} are delivered today: it stops until tomorrow."
    if flight.tier != HOUSE and flight.budget_micros and flight.booked_micros >= flight.budget_micros:
        spent, budget = money(flight.booked_micros, flight.currency), money(flight.budget_micros, flight.currency)
        yield f"Already {spent} of the budget of {budget} are spent: it stops at once."


def _of(flight: FlightTerms, delivered: int, goal: int) -> str:
    return f"{money(delivered, '') if flight.goal_type == 'spend' else f'{delivered:,}'} of {_amount(flight, goal)}"


def _budget_shortfall(flight: FlightTerms) -> str:
    bid, goal, budget = flight.bid_micros or 0, flight.goal_amount or 0, flight.budget_micros or 0
    charged = {"cpm": "impressions", "cpcv": "completed_views", "cpc": "clicks"}[flight.pricing]
    if flight.tier == HOUSE or not bid or not budget or flight.goal_type != charged or not goal:
        return ""
    cost = goal * bid // 1000 if flight.pricing == "cpm" else goal * bid
    if cost <= budget:
        return ""
    bought = budget * 1000 // bid if flight.pricing == "cpm" else budget // bid
    return f"At its bid the budget pays for {bought:,} of the {_goal(flight)}: it stops short unless prices stay well below the bid."


def _goal(flight: FlightTerms) -> str:
    return _amount(flight, flight.goal_amount or 0)


def _amount(flight: FlightTerms, amount: int) -> str:
    if flight.goal_type == "spend":
        return money(amount, flight.currency)
    return f"{amount:,} {UNIT_WORDS[flight.goal_type]}"


def headline_problem(headline: str) -> str | None:
    """What is wrong with a line that is shown beside a clip, in words; None when nothing is."""
    if any(char in "<>{}[]`|" or not char.isprintable() for char in headline):
        return "A headline is plain text on one line, without markup."
    if "://" in headline or "www." in headline.lower():
        return "A headline holds no link; the click-through is where it leads."
    return None
