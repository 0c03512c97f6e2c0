"""Why an ad was chosen: the decision's explanation, at hand the moment its break is published."""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import Any

import redis

from adplatform.eventlog import stream
from ads.decision.explanation import REASONS
from ads.models import Decision
from ads.serving import ServedBreak

from .plan import Break, BreakPosition

KEPT_SECONDS = 24 * 3600


def keep(served: ServedBreak) -> None:
    """Without Redis nothing is lost but time: the decision itself is stored by the consumer."""
    body = {"decision": str(served.decision), "milliseconds": served.milliseconds, **served.explanation}
    with contextlib.suppress(redis.exceptions.RedisError):
        stream.client().set(_key(served.decision), json.dumps(body), ex=KEPT_SECONDS)


def explanation(decision: uuid.UUID) -> dict[str, Any] | None:
    """From Redis, where it lies from the start, else from the stored decision."""
    kept = stream.client().get(_key(decision))
    if isinstance(kept, bytes):
        found: dict[str, Any] = json.loads(kept)
        return found
    stored = Decision.objects.filter(pk=decision).values_list("explanation", flat=True).first()
    return {"decision": str(decision), **stored} if stored else None


def told(stored: dict[str, Any], one: Break, position: BreakPosition) -> dict[str, Any]:
    """The explanation with its break, and with words for every reason code that stands in it alone."""
    codes = [*stored.get("others", {}), *filter(None, [one.code, (stored.get("unfilled") or {}).get("reason")])]
    words = {code: REASONS[code] for code in codes if code in REASONS}
    return {**stored, "words": words, "break": {"position": position, "seconds": one.seconds, "code": one.code, "reason": one.reason}}


def _key(decision: uuid.UUID) -> str:
    return f"why:{decision}"
