"""What the edge accepts: client events become log events, or are refused with a reason. Pure: no clock, no Redis, no database.

The edge refuses only what can never be stored or trusted. Everything else is accepted and judged by the consumer; what the
edge already knows to be wrong travels in ``Event.invalid`` and is stored as invalid with that reason.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from . import agents, ids, signals, tokens
from .envelope import AD_TYPES, PLAYBACK_TYPES, REPEATABLE_AD_TYPES, SERVER_TYPES, VERSION, ClientEvent, Event

MOST_EVENTS = 500
WINDOW = timedelta(hours=24)
DATA_BYTES = 4096
DATA_DEPTH = 6
INT64 = 1 << 63

# Reasons for refusing, part of the public contract: clients and dashboards count on these codes.
UNREADABLE = "unreadable"
UNKNOWN_VERSION = "unknown_version"
UNKNOWN_TYPE = "unknown_type"
SERVER_ONLY = "server_only_type"
UNSIGNED = "unsigned"
WRONG_SESSION = "wrong_session"
NOT_UUID7 = "id_not_uuid7"
OUT_OF_WINDOW = "id_time_out_of_window"
DATA_TOO_LARGE = "data_too_large"
DATA_TOO_DEEP = "data_too_deep"
UNSTORABLE = "unstorable_data"
TOO_MANY = "too_many_events"
SEQ_AHEAD = "seq_ahead"
# Reasons for storing as invalid.
EXPIRED = "expired_token"
CLOCK_SKEW = "clock_skew"


@dataclass(frozen=True, slots=True)
class Refusal:
    """``index`` counts from 0 in the batch as sent."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Accepted:
    events: list[Event] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


# A playback event's reason for being refused by whoever knows what is played; empty for none.
Check = Callable[[ClientEvent], str]


def _unchecked(event: ClientEvent) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Sender:
    """What the server knows about whoever sent a batch."""

    session: tokens.SessionToken | None
    session_refusal: str
    received_at: datetime
    ip_hash: str
    ua_hash: str
    request_id: str
    invalid: str
    check: Check


class _Refused(ValueError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_decoder = msgspec.json.Decoder(ClientEvent)


def accept(
    raw_events: Sequence[Any],
    *,
    session: tokens.SessionToken | None,
    received_at: datetime,
    ip_hash: str = "",
    ua_hash: str = "",
    request_id: str = "",
    user_agent: str = "",
    session_refusal: str = UNSIGNED,
    check: Check = _unchecked,
) -> Accepted:
    """Judge each event by itself, so that a bad one never costs a good one.

    ``raw_events`` holds JSON bytes (``msgspec.Raw``) or values already decoded from JSON. ``session`` is a session token
    that was read and found valid; without one, ``session_refusal`` is the reason playback events are refused with.
    ``check`` looks at playback events that are good otherwise.
    ``user_agent`` is judged here, where it is known, and never stored: ad events of a robot are accepted and do not count.
    """
    sender = Sender(session, session_refusal, received_at, ip_hash, ua_hash, request_id, agents.verdict(user_agent), check)
    result = Accepted()
    for index, raw in enumerate(raw_events):
        if index >= MOST_EVENTS:
            result.refused.append(Refusal(index, TOO_MANY))
            continue
        try:
            result.events.append(_judge(raw, sender))
        except _Refused as refused:
            result.refused.append(Refusal(index, refused.reason))
    return result


def read_session(text: str | None, *, now: datetime) -> tuple[tokens.SessionToken | None, str]:
    """The session token inside ``text``, or None and the reason why there is none."""
    if not text:
        return None, UNSIGNED
    try:
        return tokens.read(text, tokens.SessionToken, now=now.timestamp()), ""
    except tokens.TokenRefused as refused:
        return None, refused.reason


def _judge(raw: Any, sender: Sender) -> Event:
    event = _read(raw)
    if event.v != VERSION:
        raise _Refused(UNKNOWN_VERSION)
    if event.type in SERVER_TYPES:
        raise _Refused(SERVER_ONLY)
    if event.seq > (sender.received_at + WINDOW).timestamp() * 1000:
        # Players count from the time in milliseconds; a number far above it would stand for every honest one still to come.
        raise _Refused(SEQ_AHEAD)
    if event.data:
        _weigh(event.data)
    if event.type in AD_TYPES:
        return _ad_event(event, sender)
    if event.type in PLAYBACK_TYPES:
        return _playback_event(event, sender)
    raise _Refused(UNKNOWN_TYPE)


def _read(raw: Any) -> ClientEvent:
    try:
        if isinstance(raw, msgspec.Raw | bytes | bytearray):
            return _decoder.decode(raw)
        return msgspec.convert(raw, ClientEvent)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _Refused(UNREADABLE) from error


def _playback_event(event: ClientEvent, sender: Sender) -> Event:
    token = sender.session
    if token is None:
        raise _Refused(sender.session_refusal)
    if event.session is not None and event.session != token.session:
        raise _Refused(WRONG_SESSION)
    _check_window(event.id, sender.received_at)
    if reason := signals.fault(event.type, event.data) or sender.check(event):
        raise _Refused(reason)
    occurred_at, invalid = _plausible_time(event.occurred_at, sender.received_at)
    return Event(
        id=event.id, type=event.type, occurred_at=occurred_at, received_at=sender.received_at, session=token.session, seq=event.seq,
        position=event.position, plan_version=event.plan_version, viewer=token.viewer, title=token.title, ip_hash=sender.ip_hash,
        ua_hash=sender.ua_hash, synthetic=token.synthetic, request_id=sender.request_id, invalid=invalid, data=event.data,
    )  # fmt: skip


def _ad_event(event: ClientEvent, sender: Sender) -> Event:
    try:
        token = tokens.read(event.token or "", tokens.TrackingToken, now=None)
    except tokens.TokenRefused as refused:
        raise _Refused(refused.reason) from refused
    occurred_at, invalid = _plausible_time(event.occurred_at, sender.received_at)
    if token.expires < sender.received_at.timestamp():
        invalid = EXPIRED
    invalid = sender.invalid or invalid
    event_id = ad_event_id(token, event.type, event.seq, invalid=invalid)
    _check_window(event_id, sender.received_at)
    return Event(
        id=event_id, type=event.type, occurred_at=occurred_at, received_at=sender.received_at, session=token.session, seq=event.seq,
        position=event.position, plan_version=event.plan_version, viewer=token.viewer, title=token.title, decision=token.decision,
        slot=token.slot, ad=token.ad, flight=token.flight, price_micros=token.price_micros, ip_hash=sender.ip_hash, ua_hash=sender.ua_hash,
        synthetic=token.synthetic, request_id=sender.request_id, invalid=invalid, data=event.data,
    )  # fmt: skip


def ad_event_id(token: tokens.TrackingToken, event_type: str, seq: int, *, invalid: str = "") -> uuid.UUID:
    """The id a tracking event has whatever its sender says: one token sent with fifty ids bills once.

    What is ``invalid`` by its sender alone has an id beside it, so that a robot that fetches a pixel first does not stand in
    the way of the viewer's own report.
    """
    parts: list[str | int] = [event_type]
    if event_type in REPEATABLE_AD_TYPES:
        parts.append(seq)
    if invalid:
        parts.append(invalid)
    return ids.derived_id(token.decision, token.slot, *parts)


def _check_window(event_id: uuid.UUID, received_at: datetime) -> None:
    try:
        off = ids.time_of(event_id) - received_at
    except (ValueError, OverflowError, OSError) as error:
        raise _Refused(NOT_UUID7 if event_id.version != 7 else OUT_OF_WINDOW) from error
    if abs(off) > WINDOW:
        raise _Refused(OUT_OF_WINDOW)


def _plausible_time(occurred_at: datetime, received_at: datetime) -> tuple[datetime, str]:
    """UTC event time; one that no skewed clock explains is replaced by the time of receipt, and the event marked."""
    if abs(occurred_at - received_at) > WINDOW:
        return received_at, CLOCK_SKEW
    return occurred_at.astimezone(UTC), ""


def _weigh(data: dict[str, Any]) -> None:
    """Refuse what PostgreSQL's jsonb or the log's encoding cannot hold, and what is larger than an event has a use for."""
    if _weight(data, DATA_DEPTH) > DATA_BYTES:
        raise _Refused(DATA_TOO_LARGE)


def _weight(value: Any, depth: int) -> int:
    if depth < 0:
        raise _Refused(DATA_TOO_DEEP)
    if isinstance(value, str):
        return _text_weight(value)
    if value is None or isinstance(value, bool):
        return 4
    if isinstance(value, int):
        if not -INT64 <= value < INT64:
            raise _Refused(UNSTORABLE)
        return 8
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _Refused(UNSTORABLE)
        return 8
    if isinstance(value, dict):
        return 2 + sum(_text_weight(key) + _weight(item, depth - 1) for key, item in value.items())
    if isinstance(value, list):
        return 2 + sum(_weight(item, depth - 1) for item in value)
    raise _Refused(UNSTORABLE)


def _text_weight(text: Any) -> int:
    if not isinstance(text, str) or "\x00" in text:
        raise _Refused(UNSTORABLE)
    try:
        return 2 + len(text.encode())
    except UnicodeEncodeError as error:
        raise _Refused(UNSTORABLE) from error
