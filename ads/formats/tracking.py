"""The addresses at which standard players tell what happens: ``GET /t/<event>/<token>``, one for each event of VAST and VMAP.

With ``macros`` they carry those of VAST 4.2 (section 6) that the player fills in: the code of an error, how far the ad had come. They are
asked for and not given unasked: a player that fills in none would send them as they are, and the square brackets are refused by
validators that take `xs:anyURI` for RFC 3986 (libxml2 does; the schema's own definition, RFC 2396 with 2732, allows them).
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
_AGAIN = "seq=[CACHEBUSTING]&at=[ADPLAYHEAD]"
_ERROR = "code=[ERRORCODE]&seq=[CACHEBUSTING]&at=[ADPLAYHEAD]&content=[MEDIAPLAYHEAD]"
MACROS: dict[str, str] = {
    "error": _ERROR, "breakError": "code=[ERRORCODE]&seq=[CACHEBUSTING]&content=[MEDIAPLAYHEAD]", "mute": _AGAIN, "unmute": _AGAIN, "pause": _AGAIN,
    "resume": _AGAIN, "rewind": _AGAIN, "playerExpand": _AGAIN, "playerCollapse": _AGAIN, "otherAdInteraction": _AGAIN, "skip": "at=[ADPLAYHEAD]",
    "closeLinear": "at=[ADPLAYHEAD]", "impression": "sent=[TIMESTAMP]&content=[MEDIAPLAYHEAD]", "verificationNotExecuted": "reason=[REASON]",
}  # fmt: skip


def tracking(token: str, base: str, *, macros: bool = False) -> dict[str, str]:
    """Address of every event of one ad by its VAST name; ``click`` leads on to the advertiser. ``base`` is ``https://host``."""
    return _addresses(tuple(AD_EVENTS), token, base, macros=macros)


def break_tracking(request: AdRequest, served: ServedBreak, base: str, *, macros: bool = False) -> dict[str, str]:
    """Addresses of what happens to a break as a whole, filled or not: ``breakStart``, ``breakEnd``, ``breakError``."""
    return _addresses(tuple(BREAK_EVENTS), break_token(request, served), base, macros=macros)


def with_query(url: str, **values: int) -> str:
    """The address with more in its query."""
    told = "&".join(f"{name}={value}" for name, value in values.items())
    return f"{url}{'&' if '?' in url else '?'}{told}"


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


def _addresses(events: tuple[str, ...], token: str, base: str, *, macros: bool) -> dict[str, str]:
    head, between = _pattern()
    plain = {event: f"{base}{head}{event}{between}{token}" for event in events}
    return {event: f"{url}?{MACROS[event]}" if event in MACROS else url for event, url in plain.items()} if macros else plain


@cache
def _pattern() -> tuple[str, str]:
    """What stands before the event's name, and between that and the token."""
    head, between, _ = reverse("track", args=["\x00", "\x00"]).split("%00")
    return head, between
