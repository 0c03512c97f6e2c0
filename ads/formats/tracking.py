"""The addresses at which standard players tell what happens: ``GET /t/<event>/<token>``, one for each event of VAST and VMAP.

Addresses carry macros of VAST 4.2 (section 6) that the player fills in; one that a player leaves as it is does no harm.
"""

from __future__ import annotations

from functools import cache

from django.urls import reverse

from adplatform.eventlog import ids, tokens
from adplatform.eventlog.pixels import AD_EVENTS, BREAK_EVENTS
from ads.decision.request import AdRequest
from ads.drafts import TOKEN_LIFETIME
from ads.serving import ServedBreak

# A player may report these more than once for one ad; the number keeps the reports apart.
_AGAIN = "?seq=[CACHEBUSTING]"
QUERY: dict[str, str] = {
    "error": "?code=[ERRORCODE]&seq=[CACHEBUSTING]",
    "breakError": "?code=[ERRORCODE]&seq=[CACHEBUSTING]",
    "mute": _AGAIN,
    "unmute": _AGAIN,
    "pause": _AGAIN,
    "resume": _AGAIN,
    "skip": "?at=[ADPLAYHEAD]",
    "verificationNotExecuted": "?reason=[REASON]",
    "rewind": _AGAIN,
    "playerExpand": _AGAIN,
    "playerCollapse": _AGAIN,
    "otherAdInteraction": _AGAIN,
}


def tracking(token: str, base: str) -> dict[str, str]:
    """Address of every event of one ad by its VAST name; ``click`` leads on to the advertiser. ``base`` is ``https://host``."""
    return _addresses(tuple(AD_EVENTS), token, base)


def break_tracking(request: AdRequest, served: ServedBreak, base: str) -> dict[str, str]:
    """Addresses of what happens to a break as a whole, filled or not: ``breakStart``, ``breakEnd``, ``breakError``."""
    return _addresses(tuple(BREAK_EVENTS), break_token(request, served), base)


def break_token(request: AdRequest, served: ServedBreak) -> str:
    """Signed for the decision alone: it names no ad and costs nothing."""
    decided_at = ids.time_of(served.decision)
    return tokens.sign(
        tokens.TrackingToken(
            decision=served.decision,
            slot=0,
            ad=0,
            flight=0,
            price_micros=0,
            expires=int((decided_at + TOKEN_LIFETIME).timestamp()),
            session=request.session,
            viewer=request.viewer if request.consent else None,
            title=request.title,
            synthetic=request.synthetic,
        )
    )


def _addresses(events: tuple[str, ...], token: str, base: str) -> dict[str, str]:
    head, between = _pattern()
    return {event: f"{base}{head}{event}{between}{token}{QUERY.get(event, '')}" for event in events}


@cache
def _pattern() -> tuple[str, str]:
    """What stands before the event's name, and between that and the token."""
    head, between, _ = reverse("track", args=["\x00", "\x00"]).split("%00")
    return head, between
