"""How many people were reached, how that grew day by day, and how often they saw an ad; small groups are not told.

Reach comes from the sketches of each day (`ads.reach`), over any days and any number of one kind of thing. How often people saw it cannot
be read from sketches, which forget who came again: it is counted from the stored impressions while those are kept, and holds nobody's id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from datasketches import hll_sketch, hll_union, tgt_hll_type
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Sum

from ads.models import Campaign, DeliveryDay, ReachDay
from ads.reach import DEVIATIONS, LG_REGISTERS, SKEW

# Groups of fewer people are not told: what they did could be told apart.
LEAST_PEOPLE = 50
LONGEST = timedelta(days=400)
# How often people saw it is counted from single impressions.
LONGEST_COUNT = timedelta(days=31)
COUNT_SECONDS = 8
BINS: tuple[tuple[int, str], ...] = ((1, "1 time"), (2, "2 times"), (3, "3 to 5 times"), (6, "6 to 10 times"), (11, "11 times and more"))
KINDS = ("advertiser", "campaign", "flight", "title")
MOST = 50


class NotKnown(ValueError):
    """What was asked cannot be told; the message says why, and what can."""


@dataclass(frozen=True, slots=True)
class People:
    """``people`` with its 95 % interval, None for fewer than `LEAST_PEOPLE`; impressions are counted, and None with them: divided by the
    frequency they would tell. ``counted`` is False while impressions are known and their people are not: sketches follow within minutes."""

    people: int | None
    low: int | None
    high: int | None
    impressions: int
    frequency: float | None
    counted: bool = True

    @property
    def words(self) -> str:
        if not self.counted:
            return "not counted yet"
        if not self.impressions and self.people is None:
            return "nobody"
        return f"fewer than {LEAST_PEOPLE}" if self.people is None else f"{self.people:,}"


@dataclass(frozen=True, slots=True)
class Bin:
    """``people`` who saw it so often, None where that are too few to tell, or one could be told from the others."""

    words: str
    people: int | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Audience:
    """``each`` by subject, where several were asked for; ``curve`` is how many had been reached by the end of each day."""

    together: People
    each: Mapping[int, People]
    curve: tuple[tuple[date, int | None], ...]


def audience(first: date, last: date, *, of: str, subjects: Sequence[int], advertiser: int | None = None) -> Audience:
    """Of everything where ``of`` is empty. ``advertiser`` limits it to that one's campaigns, whatever is asked. Raises NotKnown."""
    check(first, last, of, advertiser)
    groups = _groups(of, subjects, advertiser)
    dimension = "all" if groups is None else "title" if of == "title" else "flight" if of == "flight" else "campaign"
    wanted = {0: [0]} if groups is None else groups
    days = last - first
    by_day: dict[date, Any] = {}
    unions = {subject: _union() for subject in wanted}
    owners: dict[int, list[int]] = {}
    for subject, members in wanted.items():
        for one in members:
            owners.setdefault(one, []).append(subject)
    rows = ReachDay.objects.filter(dimension=dimension, subject__in=list(owners), day__range=(first, last)).order_by("day")
    for day, subject, sketch in rows.values_list("day", "subject", "sketch").iterator(chunk_size=2_000):
        read = hll_sketch.deserialize(bytes(sketch))
        for owner in owners[subject]:
            unions[owner].update(read)
        by_day.setdefault(day, _union()).update(read)
    together, curve = _union(), []
    for number in range(days.days + 1):
        day = first + timedelta(days=number)
        if day in by_day:
            together.update(by_day[day].get_result(tgt_hll_type.HLL_4))
        curve.append((day, _people(together, 0).people))
    shown = _shown(first, last, dimension, list(owners), advertiser)
    each = {subject: _people(union, sum(shown.get(one, 0) for one in wanted[subject])) for subject, union in unions.items()}
    return Audience(_people(together, sum(shown.values())), each if len(wanted) > 1 else {}, tuple(curve))


def check(first: date, last: date, of: str, advertiser: int | None) -> None:
    """Raises NotKnown."""
    if of and of not in KINDS:
        raise NotKnown(f"Reach is kept of {', '.join(KINDS)}, not of “{of[:40]}”.")
    if last < first:
        raise NotKnown(f"{last} lies before {first}: a period ends after it begins.")
    if last - first > LONGEST:
        raise NotKnown(f"Ask for at most {LONGEST.days} days.")
    if of == "title" and advertiser is not None:
        raise NotKnown("Who saw a title's ads is kept of all advertisers together; ask for campaigns or flights.")


def how_often(first: date, last: date, *, of: str, subjects: Sequence[int], today: date, advertiser: int | None = None) -> tuple[Bin, ...]:
    """People by how many impressions that count each had within the days, from the stored impressions. Raises NotKnown."""
    check(first, last, of, advertiser)
    kept = today - timedelta(days=settings.PARTITION_KEEP_DAYS)
    if first < kept:
        raise NotKnown(f"How often people saw it is counted from single impressions, which are kept since {kept:%d %b %Y}; begin then or later.")
    if last - first >= LONGEST_COUNT:
        raise NotKnown(f"How often people saw it is counted over at most {LONGEST_COUNT.days} days.")
    groups = _groups(of, subjects, advertiser)
    column = {"title": "title", "flight": "flight"}.get(of, "campaign")
    members = sorted({one for group in groups.values() for one in group}) if groups is not None else None
    counts = [int(count) for count in _counted(first, last, column, members)]
    people = sum(counts)
    hidden = _hidden(counts)
    return tuple(
        Bin(words, None if place in hidden else counts[place], None if place in hidden or not people else counts[place] / people)
        for place, (_, words) in enumerate(BINS)
    )


def _counted(first: date, last: date, column: str, members: Sequence[int] | None) -> Sequence[int]:
    floors = [floor for floor, _ in BINS]
    within = [f"n >= {floor}" + (f" AND n < {above}" if above else "") for floor, above in zip(floors, [*floors[1:], 0], strict=True)]
    counts = ", ".join(f"count(*) FILTER (WHERE {one})" for one in within)
    only = "" if members is None else f" AND {column} = ANY(%(members)s)"
    statement = (
        f"SELECT {counts} FROM (SELECT count(*) AS n FROM ads_adevent WHERE day BETWEEN %(low)s AND %(high)s"  # noqa: S608
        " AND occurred_at >= %(since)s AND occurred_at < %(until)s"
        f" AND type = 'ad.impression' AND valid{only} GROUP BY coalesce(viewer, session)) people"
    )
    since, until = datetime.combine(first, time(), UTC), datetime.combine(last + timedelta(days=1), time(), UTC)
    given: dict[str, Any] = {"low": first - SKEW, "high": last + SKEW, "since": since, "until": until, "members": members}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [COUNT_SECONDS * 1000])
            cursor.execute(statement, given)
            found: Sequence[int] = cursor.fetchone()
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
            return found
    except OperationalError as error:
        raise NotKnown(
            "There are too many impressions in these days to count them while you wait; ask for fewer days, or fewer campaigns."
        ) from error


def _hidden(counts: Sequence[int]) -> set[int]:
    """Groups that are too small, and the next smallest where a single one could be told from the sum of the others."""
    small = {place for place, count in enumerate(counts) if 0 < count < LEAST_PEOPLE}
    if len(small) == 1 and (others := [(count, place) for place, count in enumerate(counts) if count and place not in small]):
        small.add(min(others)[1])
    return small


def _groups(of: str, subjects: Sequence[int], advertiser: int | None) -> dict[int, list[int]] | None:
    """Each thing that was asked for with the ids that sketches are kept under; None for everything there is."""
    if advertiser is not None:
        own = set(Campaign.objects.filter(advertiser=advertiser).values_list("pk", flat=True))
        if of == "flight":
            return {flight: [flight] for flight in Campaign.objects.filter(pk__in=own, flights__in=subjects).values_list("flights", flat=True)
                    if flight in set(subjects)}  # fmt: skip
        if of == "campaign":
            return {campaign: [campaign] for campaign in subjects if campaign in own}
        return {advertiser: sorted(own)}
    if of == "advertiser":
        found: dict[int, list[int]] = {subject: [] for subject in subjects}
        for campaign, owner in Campaign.objects.filter(advertiser__in=subjects).values_list("pk", "advertiser"):
            found[owner].append(campaign)
        return found
    return {subject: [subject] for subject in subjects} if of else None


def _shown(first: date, last: date, dimension: str, members: Sequence[int], advertiser: int | None) -> dict[int, int]:
    start, end = datetime.combine(first, time(), UTC), datetime.combine(last, time(), UTC)
    rows = DeliveryDay.objects.filter(bucket__range=(start, end))
    if advertiser is not None:
        rows = rows.filter(advertiser_id=advertiser)
    if dimension == "all":
        return {0: rows.aggregate(total=Sum("impressions", default=0))["total"]}
    found = rows.filter(**{f"{dimension}_id__in": members}).values(f"{dimension}_id").annotate(total=Sum("impressions"))
    return {row[f"{dimension}_id"]: row["total"] for row in found}


def _union() -> Any:
    return hll_union(LG_REGISTERS)


def _people(union: Any, impressions: int) -> People:
    found = union.get_result(tgt_hll_type.HLL_4)
    people = round(found.get_estimate())
    if people < LEAST_PEOPLE:
        return People(None, None, None, impressions, None, counted=bool(people) or not impressions)
    low, high = round(found.get_lower_bound(DEVIATIONS)), round(found.get_upper_bound(DEVIATIONS))
    return People(people, low, high, impressions, impressions / people)
