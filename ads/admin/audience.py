"""How many people were reached, as a page: over any days, of one kind of thing, with how it grew and how often people saw it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from adplatform import admin_pages
from adplatform.moments import NotATime, read_day
from ads.reports.audience import KINDS, LEAST_PEOPLE, MOST, Audience, Bin, NotKnown, People, audience, how_often
from ads.scope import EVERYBODY, advertiser_of

from .reports import named_values, page_context

RIGHT = "ads.view_campaign"
USUAL = timedelta(days=27)


def page(request: HttpRequest) -> HttpResponse:
    """``GET /admin/reports/reach/?from=2026-11-01&to=2026-11-20&campaign=3&campaign=4``."""
    if not request.user.has_perm(RIGHT):
        raise PermissionDenied
    today, narrowed = datetime.now(UTC).date(), advertiser_of(request.user)
    problems: list[str] = []
    last = _day(request, "to", today, problems)
    first = _day(request, "from", last - USUAL, problems)
    of, subjects = _asked(request, problems)
    found: Audience | None = None
    often: tuple[Bin, ...] = ()
    untold = ""
    try:
        found = audience(first, last, of=of, subjects=subjects, advertiser=narrowed)
        often = how_often(first, last, of=of, subjects=subjects, today=today, advertiser=narrowed)
    except NotKnown as error:
        if found is None:
            problems.append(str(error))
        untold = str(error)
    names = {int(one["value"]): one["label"] for one in named_values(of, subjects, narrowed)} if of else {}
    kinds = [kind for kind in KINDS if narrowed is EVERYBODY or kind in ("campaign", "flight")]
    context = {
        **page_context(request, "Reach and frequency"),
        "problems": problems,
        "first": first.isoformat(),
        "last": last.isoformat(),
        "searches": [
            {"of": kind, "label": kind.capitalize(), "chosen": [{"value": key, "label": name} for key, name in names.items()] if kind == of else []}
            for kind in kinds
        ],
        "options": reverse("admin:report_options"),
        "together": None if found is None else _shown("All of these together" if subjects else "Everybody", found.together),
        "each": [] if found is None else [_shown(names.get(subject, str(subject)), people) for subject, people in found.each.items()],
        "often": [{"words": one.words, "people": _count(one), "share": "" if one.share is None else f"{one.share:.1%}"} for one in often],
        "untold": untold if found is not None else "",
        "least": LEAST_PEOPLE,
        "chart": None if found is None else _chart(found),
    }
    return TemplateResponse(request, "ads/admin/reach.html", context)


def _asked(request: HttpRequest, problems: list[str]) -> tuple[str, list[int]]:
    named = [kind for kind in KINDS if request.GET.getlist(kind)]
    if not named:
        return "", []
    if len(named) > 1:
        problems.append(f"Reach of {named[0]}s and of {named[1]}s cannot be united, how they overlap is not kept: this is of the {named[0]}s.")
    words = [word for text in request.GET.getlist(named[0]) for word in text.split(",")]
    ids = list(dict.fromkeys(int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 19))
    if len(ids) > MOST:
        problems.append(f"At most {MOST} at once; these are the first.")
    return named[0], ids[:MOST]


def _day(request: HttpRequest, name: str, default: date, problems: list[str]) -> date:
    text = request.GET.get(name)
    if not text:
        return default
    try:
        return read_day(text)
    except NotATime as error:
        problems.append(f"{error}.")
        return default


def _shown(name: str, people: People) -> dict[str, Any]:
    return {
        "name": name,
        "people": people.words,
        "interval": f"{people.low:,} to {people.high:,}" if people.low is not None and people.high is not None else "-",
        "impressions": f"{people.impressions:,}",
        "frequency": f"{people.frequency:.2f}" if people.frequency is not None else "-",
    }


def _count(one: Bin) -> str:
    return "not told" if one.people is None else f"{one.people:,}"


def _chart(found: Audience) -> dict[str, Any] | None:
    if not any(people for _, people in found.curve):
        return None
    return {
        "label": "People reached by the end of each day", "unit": "count", "scale": 1, "kind": "line",
        "labels": [day.isoformat() for day, _ in found.curve], "series": [{"name": "", "values": [people for _, people in found.curve]}],
    }  # fmt: skip


admin_pages.add("reports/reach/", page, "report_reach")
