"""What to ask next: questions for the start page by the person's role, and what a half-typed question could become.

Every question offered was read by the analyst within what the person may see, and compiles: nothing is offered that would be refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import Count, Max
from django.db.models.functions import Lower

from adplatform.permissions import AD_OPS, AD_OPS_LEAD, EXECUTIVE
from insights.models import Message
from insights.semantic.access import Scope
from insights.semantic.compiler import QueryError, compile_query
from insights.semantic.loading import load
from insights.semantic.query import WITHOUT_FIGURES
from insights.semantic.retrieval.held import held
from insights.semantic.retrieval.store import visible

from . import analyst
from .context import Context
from .reader import vocabulary_for
from .reading import Understood
from .text import clean
from .verified import verified
from .verified.answering import live
from .vocabulary import Vocabulary

SHOWN = 6
OWN, CHECKED = 2, 2
# Asked this often, in this time, a question is one of theirs.
OFTEN, LATELY = 2, timedelta(days=90)
KEPT_SECONDS = 600
OFFERED = 8
SHORTEST = 2
HELPING = (
    "Which flights will miss their goal?",
    "Impressions by campaign yesterday",
    "Completion rate by device last week",
    "Unfilled time by reason last week",
    "Invalid events by reason last week",
    "CTR by campaign last week",
    "Fill rate by day last 14 days",
)
BY_GROUP: dict[str, tuple[str, ...]] = {
    EXECUTIVE: (
        "How much revenue did we make last week compared with the week before?",
        "Which flights will miss their goal?",
        "How much revenue did we lose to unfilled breaks last week?",
        "Top 5 campaigns by revenue this month",
        "Is the Director helping?",
        "Fill rate by day last 14 days",
        "How much did we spend last week?",
    ),
    AD_OPS_LEAD: HELPING,
    AD_OPS: HELPING,
}
# For somebody of an advertiser, with each of their own campaigns in place.
OF_A_CAMPAIGN = "How is the {} campaign doing?"
OF_AN_ADVERTISER = (
    "Spend by campaign last week",
    "Impressions by day last 14 days",
    "Completion rate by device last week",
    "CTR by campaign last week",
)


@dataclass(frozen=True)
class Suggestion:
    """``kind``: yours (asked often), verified, or example; while typing also the kind of the thing that completes the words."""

    question: str
    kind: str
    verified: bool = False


def for_user(user: User, scope: Scope, *, now: datetime) -> list[Suggestion]:
    """At most SHOWN questions for the start page: the person's own frequent ones, verified ones, then those of their role."""
    key = f"insights:suggestions:{user.pk}:{scope.advertiser}:{'+'.join(sorted(scope.groups or ())).replace(' ', '_')}"
    if (kept := cache.get(key)) is not None:
        return [Suggestion(**one) for one in kept]
    model = load()
    context = Context(scope, model, now, model.currency or settings.CURRENCY, user.pk)
    found = suggested(context, own=frequent(user, now=now))
    cache.set(key, [asdict(one) for one in found], KEPT_SECONDS)
    return found


def suggested(context: Context, *, own: Iterable[str] = ()) -> list[Suggestion]:
    vocabulary = vocabulary_for(context)
    groups = (
        _first((Suggestion(text, "yours") for text in own), OWN, context, vocabulary),
        _first((Suggestion(text, "verified", verified=True) for text in _checked(context)), CHECKED, context, vocabulary),
        _first((Suggestion(text, "example") for text in _of_role(context, vocabulary)), SHOWN, context, vocabulary),
    )
    by_text: dict[str, Suggestion] = {}
    for group in groups:
        for one in group:
            by_text.setdefault(one.question.lower(), one)
    return list(by_text.values())[:SHOWN]


def frequent(user: User, *, now: datetime) -> list[str]:
    """Questions that this person was answered to several times lately, the most frequent first."""
    asked = Message.objects.filter(conversation__user=user, status="answered", asked_at__gte=now - LATELY)
    counted = asked.annotate(said=Lower("question")).values("said").annotate(times=Count("pk"), latest=Max("asked_at"), text=Max("question"))
    return [str(row["text"]) for row in counted.filter(times__gte=OFTEN).order_by("-times", "-latest")[: 2 * OWN]]


def _checked(context: Context) -> list[str]:
    shown = set(visible(context.model, context.scope).filter(kind="question").values_list("ref", flat=True))
    return [row.question for row in live().order_by("-verified_at") if f"question:{row.pk}" in shown]


def _of_role(context: Context, vocabulary: Vocabulary) -> Iterator[str]:
    if context.scope.advertiser is not None:
        campaigns = [thing.name for thing in vocabulary.things if thing.dimension == "campaign"]
        yield from (OF_A_CAMPAIGN.format(name) for name in campaigns[:2])
        yield from OF_AN_ADVERTISER
    for group, questions in BY_GROUP.items():
        if group in (context.scope.groups or ()):
            yield from questions
    yield from context.model.examples


def _first(offered: Iterable[Suggestion], most: int, context: Context, vocabulary: Vocabulary) -> list[Suggestion]:
    """Those that can be answered, up to so many: the others are not even read."""
    found: list[Suggestion] = []
    for one in offered:
        if len(found) == most:
            break
        if answerable(one.question, context, vocabulary):
            found.append(one)
    return found


def answerable(question: str, context: Context, vocabulary: Vocabulary) -> bool:
    """Whether it is a whole question that is understood, and compiles, within what this caller may see."""
    if checked := verified(question, context, vocabulary):
        query = checked.query
    else:
        reading = analyst.read(question, vocabulary, now=context.now)
        if not isinstance(reading, Understood):
            return False
        query = reading.query
    if query.intent in WITHOUT_FIGURES:
        return True
    try:
        compile_query(query, context.model, advertiser=context.scope.advertiser)
    except QueryError:
        return False
    return True


def typed(words: str, user: User, context: Context) -> list[Suggestion]:
    """What a half-typed question could become: asked before by this person, verified, or with its last words completed. All within their
    scope: what they were answered themselves, questions whose card they see, and the names and figures of their own lexicon."""
    said = clean(words)[:200]
    if len(said) < SHORTEST:
        return []
    return _distinct([*_asked_before(said, user), *_checked_like(said, context), *_completed(said, context)])[:OFFERED]


def _asked_before(said: str, user: User) -> Iterator[Suggestion]:
    own = Message.objects.filter(conversation__user=user, status="answered", question__icontains=said)
    for row in own.values("question").annotate(latest=Max("asked_at")).order_by("-latest")[:3]:
        yield Suggestion(row["question"], "yours")


def _checked_like(said: str, context: Context) -> Iterator[Suggestion]:
    for entry in held(context.model, context.scope).lexicon.entries:
        if entry.kind == "question" and said.lower() in entry.text.lower():
            yield Suggestion(entry.label, "verified", verified=True)


def _completed(said: str, context: Context) -> Iterator[Suggestion]:
    """The last words, up to three, as the beginning of something known."""
    lexicon = held(context.model, context.scope).lexicon
    parts = said.split(" ")
    for count in (3, 2, 1):
        if len(parts) >= count and len(last := " ".join(parts[-count:])) >= SHORTEST:
            head = " ".join(parts[:-count])
            for entry in lexicon.beginning(last, limit=OFFERED):
                yield Suggestion(f"{head} {entry.label}".strip(), entry.kind)


def _distinct(found: Iterable[Suggestion]) -> list[Suggestion]:
    return list({one.question.lower(): one for one in reversed(list(found))}.values())[::-1]


def shown(found: Iterable[Suggestion]) -> list[dict[str, Any]]:
    return [asdict(one) for one in found]
