"""Why a flight did not serve: what became of its ads in every break that was decided, from the funnel that the consumer keeps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from ads.decision.explanation import REASONS
from ads.decision.stages import STAGES, stage_of
from ads.models import Ad, BreakDay, BreakHour, Campaign, Flight, FunnelDay, FunnelHour

# Longer spans are read from whole days.
HOURLY = timedelta(days=8)
SERVED = "served"

# What the breaks did that a flight was kept from, after "83 % of the breaks ...".
_TARGETED = {
    "title": "were in titles", "genre": "were in genres", "maturity": "were in titles of maturity ratings", "mood": "followed scenes of moods",
    "tag": "followed scenes of kinds", "device": "were on devices", "tier": "were for subscriptions", "age": "were for viewers of ages",
    "gender": "were for viewers of genders", "country": "were in countries", "daypart": "came at hours", "weekday": "came on weekdays",
    "break_position": "were at places of the film", "segment": "were for viewers of segments",
}  # fmt: skip
_PHRASES = {
    "not_started": "came before the flight starts",
    "ended": "came after the flight was over",
    "attribute_withheld": "were for viewers who keep private what it targets on",
    "outside_daypart": "came at hours it does not target",
    "segment_not_targeted": "were for viewers who are in none of the segments it targets",
    "budget_spent": "came when its budget was spent or reserved",
    "goal_reached": "came when it had delivered its goal",
    "daily_budget_spent": "came when its budget for the day was spent or reserved",
    "daily_goal_reached": "came when it had delivered its goal for the day",
    "arm_budget_spent": "were for an arm of an experiment that had spent its share of the budget or the goal",
    "caps_uncountable": "were for viewers without consent, where its strict caps cannot be counted",
    "frequency_cap": "were for viewers who had seen it as often as its caps allow",
    "too_soon": "came too soon after the same ad",
    "stream_exclusive": "were in playbacks that had an ad of the same advertiser or category before",
    "too_long": "were shorter than its ad",
    "length_not_asked_for": "were sold elsewhere, for ads of another length",
    "category_blocked": "were sold elsewhere, by somebody who blocks its category",
    "advertiser_blocked": "were sold elsewhere, by somebody who blocks its advertiser",
    "house_not_allowed": "were in titles that carry no house ads",
    "below_reserve": "cost at least more than it is worth to its advertiser",
    "paced": "were let pass so that it keeps to its plan",
    "share_of_voice": "were another sponsor's turn",
    "runner_up": "went to ads that were worth more or stand in a better tier",
    "pod_conflict": "held ads beside which it may not stand",
    "no_room": "went to several ads that were worth more together in the seconds that its ad needs",
    "holds_full": "came while as many of its impressions as may were promised and not yet shown",
    "address_quota": "were for addresses with too many ads promised and not yet shown",
    "reservation_lost": "were lost in the last moment, to viewers who took its last budget or cap",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """``share`` (0-1) is of all that was considered."""

    code: str
    words: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of the decision: how often the flight's ads ended there, and how often they came further."""

    stage: str
    words: str
    count: int
    share: float
    left: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Funnel:
    """``considered`` counts each of the flight's ads once a break; ``steps`` are in the order of the decision, `SERVED` last;
    ``obstacle`` is the main reason in a sentence.

    ``requests`` are the breaks that were asked for, ``ads`` how many of its ads came up in them, and ``absent`` the chances in which
    one of those was not in the running at all: requests x ads = absent + considered. ``grain`` (hour, day) is what the figures
    are kept by.
    """

    flight: int
    name: str
    since: datetime
    until: datetime
    considered: int
    served: int
    steps: tuple[Step, ...]
    obstacle: str
    requests: int = 0
    ads: int = 0
    absent: int = 0
    grain: str = "hour"

    @property
    def reasons(self) -> dict[str, int]:
        """How often its ads ended where, by reason code."""
        return {reason.code: reason.count for step in self.steps for reason in step.reasons}


def why_not(flight: Flight, since: datetime, until: datetime | None = None, *, ad: int | None = None) -> Funnel:
    """The funnel of one flight, or of one of its ads, over the decisions made from ``since`` on and before ``until`` (default: now).

    Figures are kept by hour, for more than eight days by day: ``since`` is moved to the start of its UTC hour or day, and the
    one that ``until`` falls in counts whole.
    """
    until = until or timezone.now()
    hourly = hours_are_read(since, until)
    table, since = (FunnelHour, _hour(since)) if hourly else (FunnelDay, _hour(since).replace(hour=0))
    chosen = table.objects.filter(flight_id=flight.pk, bucket__gte=since, bucket__lt=until, **({} if ad is None else {"ad_id": ad}))
    ended: Counter[str] = Counter()
    ads = set()
    for row in chosen.values("ad_id", "reason").annotate(times=Sum("decisions")).order_by():
        ended[row["reason"]] += int(row["times"])
        ads.add(row["ad_id"])
    considered, steps = ended.total(), tuple(_steps(ended))
    served = sum(step.count for step in steps if step.stage == SERVED)
    obstacle = _obstacle(ended) if considered else _absence(flight, since, until)
    requests = asked(BreakHour if hourly else BreakDay, since, until)
    return Funnel(
        flight.pk, str(flight), since, until, considered, served, steps, obstacle,
        requests=requests, ads=len(ads), absent=requests * len(ads) - considered, grain="hour" if hourly else "day",
    )  # fmt: skip


def hours_are_read(since: datetime, until: datetime) -> bool:
    """Whether figures of this time are read by the hour: it is short, and the hours are still kept."""
    return until - since <= HOURLY and since >= timezone.now() - timedelta(days=settings.ROLLUP_HOUR_DAYS)


def asked(table: type[BreakHour | BreakDay], since: datetime, until: datetime) -> int:
    """How many breaks were asked for, by anybody."""
    return int(table.objects.filter(bucket__gte=since, bucket__lt=until).aggregate(total=Sum("requests", default=0))["total"])


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _steps(counts: Counter[str]) -> list[Step]:
    total = left = counts.total()
    steps = []
    for stage, words in STAGES.items():
        ended = [(code, count) for code, count in counts.most_common() if stage_of(code) == stage]
        if ended:
            count = sum(count for _, count in ended)
            left -= count
            reasons = tuple(Reason(code, REASONS.get(code, code), times, times / total) for code, times in ended)
            steps.append(Step(stage, words, count, count / total, left, reasons))
    return steps


def _obstacle(counts: Counter[str]) -> str:
    """The most frequent reason, as a sentence."""
    total = counts.total()
    against = Counter({code: count for code, count in counts.items() if stage_of(code) != SERVED})
    if not against:
        return "Nothing stands in its way: it served in every break that was asked for."
    code, count = against.most_common(1)[0]
    return f"{percent(count / total)} of the breaks {phrase(code)}."


def phrase(code: str) -> str:
    """What the breaks did that a flight missed for this reason, as the end of a sentence."""
    if code in _PHRASES:
        return _PHRASES[code]
    for ending, words in (("_not_targeted", "it does not target"), ("_excluded", "it keeps away from")):
        key = code.removesuffix(ending)
        if key != code and key in _TARGETED:
            return f"{_TARGETED[key]} {words}"
    return f"were missed: {REASONS.get(code, code)}"


def percent(share: float) -> str:
    """Whole percents, and never 0 % or 100 % for what is a little more or less."""
    return "under 1 %" if 0 < share < 0.01 else "over 99 %" if 0.99 < share < 1 else f"{share:.0%}".replace("%", " %")


def _absence(flight: Flight, since: datetime, until: datetime) -> str:
    """Why no decision considered the flight at all."""
    ads = Ad.objects.filter(flight=flight)
    if flight.state != Flight.State.LIVE:
        return f"The flight is {flight.get_state_display().lower()}: only a live flight is considered."
    if flight.campaign.state != Campaign.State.ACTIVE:
        return f"Its campaign is {flight.campaign.get_state_display().lower()}: only the flights of an active campaign are considered."
    if not ads.exists():
        return "The flight has no ad."
    if not ads.filter(review=Ad.Review.APPROVED).exists():
        return "None of its ads is approved yet: they wait for review, or were rejected."
    if not ads.filter(review=Ad.Review.APPROVED, asset__state="ready").exists():
        return "The clips of its approved ads are not ready yet."
    return f"No break was asked for from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC."
