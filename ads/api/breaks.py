"""What a break is asked for with over a GET: the parameters that every standard door shares, turned into an AdRequest.

A value that is a macro nobody filled in (``[TRANSACTIONID]``), or one of VAST's ways to say "unknown" (``-1``, ``-2``), counts as not given.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, QueryDict

from adplatform.eventlog import ingest, sender
from adplatform.eventlog.hashing import daily_hash
from adplatform.eventlog.tokens import SessionToken
from ads.decision.load import Policy
from ads.decision.request import AdRequest
from ads.policy import own_policy_of, policy_for
from catalog.models import Title

from . import privacy
from .query import number, one_of, told, whole

FOREIGN_SESSIONS = uuid.UUID("5f0f0a5e-6a3b-5c0e-9d0b-3a1f6f2c9b10")
POSITIONS = {"pre": "pre", "mid": "mid", "post": "post", "1": "pre", "2": "mid", "3": "post"}
DEVICES = ("tv", "desktop", "mobile", "tablet")
BREAK_ID = re.compile(r"[\w.:-]{1,38}")
COUNTRY = re.compile(r"[A-Z]{2}")
LONGEST_SESSION = 200
DURATION, MAX_ADS = 30.0, 2
_TELEVISION = re.compile(r"smart-?tv|googletv|android tv|appletv|apple tv|roku|aft[a-z]|bravia|tizen|web0s|webos|hbbtv|crkey|viera|netcast", re.I)
_TABLET = re.compile(r"ipad|tablet|kindle|silk|android(?!.*mobile)", re.I)
_MOBILE = re.compile(r"mobi|iphone|ipod|android", re.I)


def read_break(request: HttpRequest, now: datetime) -> AdRequest:
    """The break that a request's query asks for, within the bounds of the title's ad policy.

    Raises ValueError that names the parameter and says what to send.
    """
    query = request.GET
    session, token = _session(query, now)
    title = _title(query, token)
    policy = policy_for(title.pk if title else None)
    position, index = _position(query), whole(query, "index", low=0, high=1000, default=0)
    duration, max_ads = bounded(
        number(query, "duration", low=0, high=600, default=DURATION),
        whole(query, "max_ads", low=1, high=10, default=MAX_ADS),
        own_policy_of(title.pk if title else None),
    )
    agent = sender.user_agent(request)
    return AdRequest(
        session=session,
        viewer=token.viewer if token else None,
        title=title.pk if title else None,
        synthetic=token.synthetic if token else False,
        break_id=_break_id(query, position, index),
        break_position=position,
        break_index=index,
        duration=duration,
        max_ads=max_ads,
        device=one_of(query, "device", DEVICES) or device_of(agent),
        hour=whole(query, "hour", low=0, high=23, default=now.hour),
        weekday=whole(query, "weekday", low=0, high=6, default=now.weekday()),
        genres=tuple(genre.slug for genre in title.genres.all()) if title else (),
        maturity=title.maturity if title else "",
        country=_country(request),
        consent=privacy.consented(request),
        creative_gap=float(policy.creative_gap_seconds),
        reserve_micros=policy.reserve_micros,
        house_ads=policy.house_ads,
        ip_hash=daily_hash(sender.address(request), now=now),
        ua_hash=daily_hash(agent, now=now),
    )


def foreign_session(named: uuid.UUID | str | None) -> uuid.UUID:
    """The session under which a player without a session token is kept.

    Made from the name it gave, in a space of its own: whoever learns the id of a real playback session can neither take its breaks nor
    use up its caps.
    """
    return uuid.uuid5(FOREIGN_SESSIONS, str(named or uuid.UUID(int=0)))


def bounded(duration: float, max_ads: int, policy: Policy | None) -> tuple[float, int]:
    """Seconds and ads that the break may have. Whether it takes place at all, and what an hour of watching carries, is the player's
    to see to: a single request tells nothing of the rest of the playback."""
    if policy is None:
        return duration, max_ads
    return min(duration, float(policy.break_seconds)), min(max_ads, policy.break_ads)


def device_of(user_agent: str) -> str:
    """A guess, where the player does not say."""
    for pattern, device in ((_TELEVISION, "tv"), (_TABLET, "tablet"), (_MOBILE, "mobile")):
        if pattern.search(user_agent[:1024]):
            return device
    return "desktop"


def _session(query: QueryDict, now: datetime) -> tuple[uuid.UUID, SessionToken | None]:
    signed = told(query, "session_token")
    if signed:
        token, refusal = ingest.read_session(signed, now=now)
        if token is None:
            raise ValueError(f"session_token: {refusal}; take it from the page that plays")
        return token.session, token
    named = told(query, "session") or told(query, "_HLS_primary_id")
    if not named:
        raise ValueError("name the playback session: `session_token`, a `session` of your own, or `_HLS_primary_id`; the same for every break of it")
    if len(named) > LONGEST_SESSION:
        raise ValueError(f"session: at most {LONGEST_SESSION} characters")
    return foreign_session(_canonical(named)), None


def _canonical(named: str) -> str:
    """A UUID is the same however it is written."""
    try:
        return str(uuid.UUID(named))
    except ValueError:
        return named


def _title(query: QueryDict, token: SessionToken | None) -> Title | None:
    """The token's, else the one named by id or slug; what nobody knows is refused, since its policy could not be kept."""
    rows = Title.objects.prefetch_related("genres")
    if token is not None:
        return rows.filter(pk=token.title).first()
    named = told(query, "title")
    if not named:
        return None
    number = int(named) if named.isascii() and named.isdigit() and len(named) < 19 else None
    # PostgreSQL has no character for NUL.
    title = rows.filter(pk=number).first() if number is not None else rows.filter(slug=named[:120].replace("\x00", "")).first()
    if title is None:
        raise ValueError(f"title: there is no title {named[:60]!r}; give the id or the slug of one, or leave it out")
    return title


def _position(query: QueryDict) -> str:
    named = told(query, "position") or "mid"
    if named not in POSITIONS:
        raise ValueError("position: use pre, mid or post, or [BREAKPOSITION] of VAST: 1, 2 or 3")
    return POSITIONS[named]


def _break_id(query: QueryDict, position: str, index: int) -> str:
    named = told(query, "break")
    if not named:
        return f"{position}-{index}"
    if not BREAK_ID.fullmatch(named):
        raise ValueError("break: use 1 to 38 letters, digits and . : _ -")
    return named


def _country(request: HttpRequest) -> str | None:
    named = told(request.GET, "country").upper()
    if named and not COUNTRY.fullmatch(named):
        raise ValueError("country: give two letters, ISO 3166-1, for example AT")
    if not named and settings.COUNTRY_HEADER:
        named = request.headers.get(settings.COUNTRY_HEADER, "").strip().upper()
    return named if COUNTRY.fullmatch(named) else None
