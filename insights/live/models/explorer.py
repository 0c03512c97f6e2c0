"""Which decisions a reader looks for, and what of them this reader may see."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User

from adplatform.learning.card.explain import explain
from adplatform.models import ModelVersion

from . import ads_decisions, director_decisions
from .features import CONSENT

ADS, DIRECTOR = "ads", "director"
READS_ROWS = {ADS: "ads.view_decision", DIRECTOR: "engagement.view_directordecision"}


class CannotSearch(ValueError):
    """What was asked for cannot be looked for; the message says what can."""


class NotForYou(Exception):
    """This reader may not look for that; the message says what it takes."""


@dataclass(frozen=True, slots=True)
class Search:
    """``log`` is ads or director; at most one of the others but ``before`` is given."""

    log: str
    before: datetime | None = None
    decision: uuid.UUID | None = None
    flight: int | None = None


def read(log: str, text: str, before: str) -> Search:
    """``text``: nothing, the id of a decision or of a session, the number of a flight. Raises CannotSearch."""
    if log not in READS_ROWS:
        raise CannotSearch(f"{log[:40]!r} is no log of decisions; choose ads or director")
    try:
        moment = datetime.fromisoformat(before) if before else None
    except ValueError:
        moment = None
    if before and (moment is None or moment.tzinfo is None):
        raise CannotSearch(f"{before[:40]!r} is no moment; write it as 2026-11-22T05:00:00+00:00")
    text = text.strip()
    if not text:
        return Search(log, moment)
    if text.isascii() and text.isdigit() and len(text) < 19:
        if log == DIRECTOR:
            raise CannotSearch("the Director decides for no flight; look for the id of a decision or of a session")
        return Search(log, moment, flight=int(text))
    try:
        return Search(log, moment, decision=uuid.UUID(text))
    except ValueError:
        wanted = "the id of a decision or of a session" + (", or the number of a flight" if log == ADS else "")
        raise CannotSearch(f"{text[:60]!r} cannot be looked for; write {wanted}") from None


def sees_persons(user: AbstractBaseUser | AnonymousUser, log: str) -> bool:
    """Whether they may read such rows in the admin, where viewer and session stand."""
    return isinstance(user, User) and user.has_perm(READS_ROWS[log])


def found(search: Search, user: AbstractBaseUser | AnonymousUser) -> dict[str, Any]:
    """``rows`` newest first, and ``before`` to go on from, None at the end. Raises NotForYou."""
    persons = sees_persons(user, search.log)
    if search.flight is not None:
        rows, further = ads_decisions.of_flight(search.flight, before=search.before, persons=persons)
        return _page(search, persons, rows, further)
    if search.decision is None:
        rows = _room(search.log).newest(before=search.before, persons=persons)
        return _page(search, persons, rows, _last(rows))
    if (one := told(search.log, search.decision, user)) is not None:
        return _page(search, persons, [one], None)
    if not persons:
        raise NotForYou("There is no decision of that id. To look for the decisions of a session takes the right to read them in the admin.")
    rows = _room(search.log).newest(before=search.before, session=search.decision, persons=persons)
    return _page(search, persons, rows, _last(rows))


def told(log: str, pk: uuid.UUID, user: AbstractBaseUser | AnonymousUser) -> dict[str, Any] | None:
    """One decision in full, None where there is none."""
    one: dict[str, Any] | None = _room(log).in_full(pk, persons=sees_persons(user, log))
    return one


def taken_apart(version: ModelVersion, key: str, user: AbstractBaseUser | AnonymousUser) -> dict[str, Any]:
    """What each column added to one logged prediction. Raises CannotExplain."""
    parts = explain(version, key)
    hidden = set() if sees_persons(user, ADS) else {one["name"] for one in version.feature_schema.get("features", []) if one["privacy"] == CONSENT}
    hidden = {name.replace("_", " ") for name in hidden}
    return {
        "words": parts.words,
        "prediction": parts.prediction,
        "base": parts.base,
        "bars": [{"feature": bar.name, "added": float(bar.value), "about": bar.about} for bar in parts.bars if bar.name not in hidden],
        "withheld": sum(bar.name in hidden for bar in parts.bars),
    }


def _room(log: str) -> Any:
    return ads_decisions if log == ADS else director_decisions


def _last(rows: list[dict[str, Any]]) -> datetime | None:
    return datetime.fromisoformat(rows[-1]["at"]) if len(rows) == ads_decisions.SHOWN else None


def _page(search: Search, persons: bool, rows: list[dict[str, Any]], further: datetime | None) -> dict[str, Any]:  # noqa: FBT001
    return {"log": search.log, "persons": persons, "rows": rows, "before": None if further is None else further.isoformat()}
