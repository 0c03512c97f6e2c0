"""The stream of findings: open ones ranked, and what lately became of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from insights.live.business.evidence import evidence
from insights.live.streams import Kind, Stream
from insights.models import Insight

from .actions import DOINGS
from .finding import SEVERITIES
from .sources import TITLES

# A page holds no more; how many there are is told beside them.
MOST_OPEN, MOST_LATELY = 200, 30
LATELY = timedelta(days=7)
State = Insight.State


def build(stream: Stream, now: datetime) -> Mapping[str, Any]:
    """Three queries, one more where there are too many to show."""
    opened = list(Insight.objects.filter(state=State.OPEN)[:MOST_OPEN])
    total = len(opened) if len(opened) < MOST_OPEN else Insight.objects.filter(state=State.OPEN).count()
    rows = Insight.objects.filter(state__in=[State.DISMISSED, State.DONE, State.GONE], last_seen__gt=now - LATELY)
    lately = list(rows.select_related("dismissed_by", "acted_by").order_by("-last_seen", "key")[:MOST_LATELY])
    judged = Insight.objects.order_by("-last_seen").values_list("last_seen", flat=True).first()
    return {
        "judged_at": judged.isoformat() if judged else None,
        "kinds": TITLES,
        "open": [_told(one) for one in opened],
        "lately": sorted((_told(one) | _became(one) for one in lately), key=lambda one: one["at"], reverse=True),
        "total": total,
        "by_kind": _by_kind(opened),
    }


def _told(one: Insight) -> dict[str, Any]:
    doing = DOINGS.get(one.action)
    return {
        "id": one.pk,
        "key": one.key,
        "kind": one.kind,
        "subject": one.subject,
        "words": one.words,
        "detail": one.detail,
        "recommend": one.recommend,
        "severity": SEVERITIES[one.severity],
        "money": one.money_micros,
        "money_how": one.money_how,
        "since": one.first_seen.isoformat(),
        "valid_from": one.valid_from.isoformat(),
        "valid_to": one.valid_to.isoformat(),
        "synthetic": one.synthetic,
        "link": one.link,
        "rows": rows_address(one.rows),
        "action": None if doing is None else {"button": doing.button, "says": doing.says(one.subject, one.params), "permission": doing.permission},
    }


def _became(one: Insight) -> dict[str, Any]:
    who = {State.DONE: one.acted_by, State.DISMISSED: one.dismissed_by}.get(State(one.state))
    at = {State.DONE: one.acted_at, State.DISMISSED: one.dismissed_at}.get(State(one.state)) or one.last_seen
    return {"state": one.state, "by": who.get_username() if who else None, "at": at.isoformat(), "outcome": one.outcome}


def _by_kind(opened: Iterable[Insight]) -> dict[str, Any]:
    """By kind: how many are open, and the money at stake in them; sums are not added up over kinds, for the same money may be in two."""
    by_kind: dict[str, dict[str, int]] = {}
    for one in opened:
        of = by_kind.setdefault(one.kind, {"open": 0, "money": 0})
        of["open"] += 1
        of["money"] += one.money_micros or 0
    return by_kind


def rows_address(rows: str) -> str | None:
    """``app_model/id`` or ``app_model?query`` as an address in the admin; None without one."""
    if not rows:
        return None
    model, slash, key = rows.partition("/")
    if slash:
        return evidence(model, key)
    model, mark, query = rows.partition("?")
    return evidence(model, query=f"{mark}{query}")


INSIGHTS = Kind("insights", build, every=2.0)
