"""Suggesting headlines, and what people do with them. Nothing here lets a line serve: that is the creative review's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction

from ads import services as selling
from ads.models import Ad
from insights.chat.llm import Assistant
from insights.chat.llm.endpoint import Who
from insights.models import CopySuggestion

from . import evidence
from .headlines import KINDS, Record, Segment, candidates, kind_of, ordered, problem, records
from .writer import WritingFailed, written

TEMPLATE = "template"
MOST = 4
RIGHT = "ads.change_ad"
SCREENS = {"tv": "big screen", "mobile": "phone", "tablet": "tablet", "desktop": "computer"}
ID_LENGTH = 100


class AlreadyDecided(ValueError):
    """Somebody took the suggestion up or put it aside before."""


@transaction.atomic
def headlines_suggest(
    *, actor: User, ad: Ad, segment: Segment, now: datetime, assistant: Assistant | None = None
) -> tuple[list[CopySuggestion], str]:
    """Up to MOST new lines for the ad and the segment, what did well first, and a line that says what went otherwise than planned.

    Raises PermissionDenied.
    """
    _may(actor)
    brand = ad.flight.campaign.advertiser.name
    known = records(evidence.shown_lines(segment=segment, category=ad.category, now=now))
    lines, engine, note = list(_templates(ad, brand, segment)), TEMPLATE, ""
    if assistant is not None:
        try:
            lines, engine = written(assistant, _facts(ad, brand, segment, known), brand=brand, who=Who(actor.pk, now)), assistant.model
        except WritingFailed as failure:
            note = f"{assistant.model} did not help ({failure}); these come from templates."
    there = {ad.headline.casefold(), *(line.casefold() for line in ad.copy_suggestions.values_list("headline", flat=True))}
    fresh = [(kind, line) for kind, line in lines if line.casefold() not in there and problem(line) is None]
    chosen = _one_of_each(fresh, ordered(list(KINDS), known))[:MOST]
    made = CopySuggestion.objects.bulk_create(
        CopySuggestion(
            ad=ad,
            segment={name: value for name, value in asdict(segment).items() if value},
            headline=line,
            engine=engine,
            why=_why(kind, known),
            evidence=asdict(known[kind]) if kind in known else {},
            suggested_by=actor,
            suggested_at=now,
        )
        for kind, line in chosen
    )
    return made, note if made else note or "Nothing new comes to mind: every line of these kinds was suggested before."


@transaction.atomic
def suggestion_take(*, actor: User, suggestion: CopySuggestion, now: datetime) -> Ad:
    """Make the line an ad of its own beside the one it was made for, in review. Raises PermissionDenied, AlreadyDecided, ValidationError."""
    _may(actor)
    _decide(actor, suggestion, CopySuggestion.State.TAKEN, now)
    ad = suggestion.ad
    suffix = f"/h{suggestion.pk}"
    return selling.row_create(
        actor=actor,
        row=Ad(
            flight=ad.flight,
            name=f"{ad.name[:70]}: {suggestion.headline}"[:120],
            asset=ad.asset,
            category=ad.category,
            click_through=ad.click_through,
            skip_after=ad.skip_after,
            universal_ad_id=ad.universal_ad_id[: ID_LENGTH - len(suffix)] + suffix,
            headline=suggestion.headline,
            review=Ad.Review.IN_REVIEW,
        ),
    )


def suggestion_dismiss(*, actor: User, suggestion: CopySuggestion, now: datetime) -> None:
    """Raises PermissionDenied, AlreadyDecided."""
    _may(actor)
    _decide(actor, suggestion, CopySuggestion.State.DISMISSED, now)


def _decide(actor: User, suggestion: CopySuggestion, state: CopySuggestion.State, now: datetime) -> None:
    open_ones = CopySuggestion.objects.filter(pk=suggestion.pk, state=CopySuggestion.State.SUGGESTED)
    if not open_ones.update(state=state, decided_by=actor, decided_at=now):
        raise AlreadyDecided("Somebody decided on this line before; reload the page.")


def _may(actor: User) -> None:
    if not actor.has_perm(RIGHT):
        raise PermissionDenied("Headlines are for those who may change ads.")


def _templates(ad: Ad, brand: str, segment: Segment) -> Iterator[tuple[str, str]]:
    return candidates(product=ad.name, brand=brand, category=ad.category, segment=segment, sites=SCREENS)


def _one_of_each(lines: list[tuple[str, str]], order: list[str]) -> list[tuple[str, str]]:
    """Round after round one line of each kind, kinds in order."""
    rounds: list[tuple[str, str]] = []
    left = {kind: [line for own, line in lines if own == kind] for kind in order}
    while any(left.values()):
        rounds += [(kind, left[kind].pop(0)) for kind in order if left[kind]]
    return rounds


def _why(kind: str, known: Mapping[str, Record]) -> str:
    record = known.get(kind)
    if record is None:
        return f"A line that {KINDS[kind]}. Too few such lines ran in this segment to say how they do: it would be a test."
    lines = "one line" if record.lines == 1 else f"{record.lines} lines"
    return (
        f"A line that {KINDS[kind]}. Of such lines in this category and segment ({lines}, {record.impressions:,} impressions in {evidence.DAYS} days)"
        f" {100 * record.rate:.2f} % were clicked (95 % interval {100 * record.low:.2f} to {100 * record.high:.2f})."
    )


def _facts(ad: Ad, brand: str, segment: Segment, known: Mapping[str, Record]) -> dict[str, object]:
    return {
        "product": ad.name[:80],
        "brand": brand[:80],
        "category": ad.category,
        "segment": asdict(segment),
        "line": ad.headline,
        "line_kind": kind_of(ad.headline, brand=brand) if ad.headline else "",
        "kinds": {kind: {"click_rate": round(record.rate, 5), "impressions": record.impressions} for kind, record in known.items()},
    }
