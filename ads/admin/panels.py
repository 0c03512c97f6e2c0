"""What a flight's page tells beside its terms: what it inherits, what to expect, and what became of its ads."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from ads.decision.explanation import REASONS
from ads.models import Decision, Flight, FlightForecast
from ads.outlook import warnings_of
from ads.reach import reach
from ads.reports.errors import error_counts
from ads.reports.gross_net import gross_net
from ads.reports.why_not import Step, percent, why_not
from ads.terms import readable, write_caps
from ads.validity import limits

from . import show
from .forms import Choices, targeting_choices

HOURS, DAYS = 24, 7
LOOK_BACK = timedelta(days=7)
# So many decisions are read for so many examples: a page should open at once.
LOOKED_AT, EXAMPLES = 200, 5
# Shades of the traffic picture, from nothing to the busiest hour.
SHADES = 8


def inherited(flight: Flight) -> SafeString:
    """The campaign's targeting and caps, in words."""
    campaign = flight.campaign
    lines = [*targeting_words(campaign.targeting), *(f"At most {line}" for line in write_caps(campaign.frequency_caps, scope="").splitlines())]
    return render_to_string("ads/admin/inherited.html", {"campaign": campaign, "lines": lines})


def targeting_words(targeting: Any, *, choices: Callable[[], Choices] = targeting_choices) -> list[str]:
    """One line for each key and direction, such as “Devices: only TV, Desktop”; whoever writes many reads the ``choices`` once."""
    if not readable(targeting):
        return []
    known = choices()
    found = []
    for direction, words in (("include", "only"), ("exclude", "not")):
        for key, values in readable(targeting).get(direction, {}).items():
            label, options = known.get(key, (key, []))
            named = dict(options)
            found.append(f"{label}: {words} {', '.join(named.get(value, str(value)) for value in values)}")
    return found


def forecast(flight: Flight) -> SafeString:
    """Expected delivery against the goal, the shape of the traffic, and what stands in its way."""
    try:
        known: FlightForecast | None = flight.forecast
    except ObjectDoesNotExist:
        known = None
    return render_to_string(
        "ads/admin/forecast.html",
        {
            "flight": flight,
            "forecast": known,
            "expected": None if known is None else _amount(flight, known.expected_delivery),
            "goal": _amount(flight, flight.goal_amount) if flight.goal_amount else "",
            "between": "" if known is None or not known.expected_high else _between(flight, known),
            "available": "" if known is None or not known.available_impressions else show.count(round(known.available_impressions)),
            "viewers": "" if known is None else show.count(round(known.unique_viewers)),
            "eligible": "" if known is None else show.count(round(known.eligible)),
            "win_share": "" if known is None else f"{known.win_share:.0%}",
            "days": traffic(known.supply) if known else [],
            "hours": range(HOURS),
            "warnings": [] if flight.state == Flight.State.ENDED else warnings_of(flight),
        },
    )


def _between(flight: Flight, known: FlightForecast) -> str:
    low, high = _amount(flight, known.expected_low), _amount(flight, known.expected_high)
    return f"{low} to {high}" if low != high else ""


def traffic(supply: Sequence[float]) -> list[dict[str, Any]]:
    """The week of eligible requests as rows of a picture: for each UTC hour its figure and its shade, 0 to `SHADES`."""
    busiest = max(supply, default=0)
    if len(supply) != HOURS * DAYS or not busiest:
        return []
    return [
        {
            "name": calendar.day_abbr[day],
            "hours": [{"count": f"{value:,.0f}", "shade": round(SHADES * value / busiest)} for value in supply[HOURS * day : HOURS * (day + 1)]],
        }
        for day in range(DAYS)
    ]


def gross_net_shown(flight: Flight) -> SafeString:
    """Delivery and money before and after what does not count."""
    found = gross_net(flight)
    rows = [
        {
            "name": one.name.capitalize(),
            "gross": show.count(one.gross),
            "invalid": show.count(one.invalid),
            "share": percent(one.invalid / one.gross) if one.invalid and one.gross else "",
            "net": show.count(one.net),
        }
        for one in found.counts
    ]
    money = {"name": "Charged", "gross": show.money(found.booked_micros), "invalid": show.money(found.given_back_micros), "share": ""}
    rows.append({**money, "net": show.money(found.kept_micros)})
    told = error_counts(flight.starts_at, flight.ends_at + limits.LATEST, flights=[flight.pk])
    return render_to_string("ads/admin/gross_net.html", {"rows": rows, "reasons": found.reasons, "errors": told, "reach": reach_words(flight)})


def reach_words(flight: Flight) -> str:
    """How many people the flight reached, in words; empty before anybody. What was shown in its last minutes may tell so a day later."""
    found = reach(flight.starts_at.date(), flight.ends_at.date() + timedelta(days=1), flights=[flight.pk])
    if not found.people:
        return ""
    low, high = show.count(round(found.low)), show.count(round(found.high))
    each = f"; {found.frequency:.1f} counted impressions each" if found.frequency else ""
    people = round(found.people)
    return f"Reached {'one person' if people == 1 else f'{show.count(people)} different people'} (estimate; 95 %: {low} to {high}){each}."


def why_not_shown(flight: Flight, *, now: datetime, decisions: bool) -> SafeString:
    """The funnel of the last seven days, stage after stage, with decisions to look at for those who may read them."""
    funnel = why_not(flight, now - LOOK_BACK, now)
    found = examples(flight, now) if decisions else []
    return render_to_string("ads/admin/why_not.html", {"funnel": funnel, "steps": [_step(step) for step in funnel.steps], "examples": found})


def _step(step: Step) -> dict[str, Any]:
    return {
        "stage": step.stage.replace("_", " "),
        "count": show.count(step.count),
        "share": percent(step.share),
        "left": show.count(step.left),
        "reasons": [{"words": reason.words, "count": show.count(reason.count), "share": percent(reason.share)} for reason in step.reasons],
    }


def examples(flight: Flight, now: datetime) -> list[dict[str, Any]]:
    """Up to `EXAMPLES` late decisions that told of the flight, each with another outcome: (id, when, words)."""
    ads = set(flight.ads.values_list("pk", flat=True))
    rows = Decision.objects.filter(day__gte=(now - LOOK_BACK).date()).order_by("-decided_at").values_list("pk", "decided_at", "explanation")
    found: dict[str, dict[str, Any]] = {}
    for pk, decided_at, explanation in rows[:LOOKED_AT]:
        told = {one["reason"] for one in explanation["candidates"] if one["ad"] in ads}
        told |= {code for code, others in explanation["others"].items() if not ads.isdisjoint(others)}
        for code in told:
            found.setdefault(code, {"id": pk, "at": decided_at, "words": REASONS.get(code, code)})
        if len(found) >= EXAMPLES:
            break
    return list(found.values())[:EXAMPLES]


def _amount(flight: Flight, amount: float) -> str:
    if flight.goal_type == Flight.Goal.SPEND:
        return show.money(round(amount))
    return f"{round(amount):,} {flight.get_goal_type_display().lower()}"
