"""The one shape of everything that happens: what clients send, and what the log carries after the server has added what it knows."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec

VERSION = 1

# What happens to a break as a whole (VMAP 1.0.1, section 2.3.4): of a decision, and of none of its ads.
BREAK_TYPES = frozenset({"ad.break_start", "ad.break_end", "ad.break_error"})
# Tracking events follow VAST 4.2, section 3.14, and `ad.viewable` its section 3.9.1, as IAB and MRC define it: half of the pixels on
# screen while two seconds play in a row. `ad.decision` is written by the server alone.
AD_TYPES = BREAK_TYPES | frozenset(
    {
        "ad.impression", "ad.viewable", "ad.start", "ad.first_quartile", "ad.midpoint", "ad.third_quartile", "ad.complete", "ad.skip", "ad.click",
        "ad.mute", "ad.unmute", "ad.pause", "ad.resume", "ad.heartbeat", "ad.error", "ad.not_used", "ad.not_viewable", "ad.view_undetermined",
        "ad.loaded", "ad.progress", "ad.rewind", "ad.player_expand", "ad.player_collapse", "ad.close_linear", "ad.other_interaction",
        "ad.interactive_start", "ad.companion_view", "ad.companion_click", "ad.icon_view", "ad.icon_click", "ad.verification_not_executed",
    }
)  # fmt: skip
PLAYBACK_TYPES = frozenset(
    {
        "playback.start", "playback.play", "playback.pause", "playback.seek", "playback.rewind", "playback.skip_scene", "playback.rate",
        "playback.volume", "playback.fullscreen", "playback.visibility", "playback.heartbeat", "playback.scene_start", "playback.scene_end",
        "playback.rating", "playback.stall", "playback.error", "playback.leave", "playback.end", "playback.as_edited", "playback.suggestion",
        "playback.complaint",
    }
)  # fmt: skip
# Facts that the server alone establishes: `playback.as_edited` is the plan's answer to a viewer's wish, not the wish.
SERVER_TYPES = frozenset({"ad.decision", "director.decision", "experiment.exposure", "playback.session", "playback.as_edited"})
# May happen more than once for one ad; their id also carries the client's sequence number.
# For what an ad has several of (companions, icons, marks of progress) the number says which.
REPEATABLE_AD_TYPES = frozenset(
    {
        "ad.mute", "ad.unmute", "ad.pause", "ad.resume", "ad.heartbeat", "ad.error", "ad.rewind", "ad.player_expand", "ad.player_collapse",
        "ad.other_interaction", "ad.progress", "ad.companion_view", "ad.companion_click", "ad.icon_view", "ad.icon_click",
        "ad.verification_not_executed", "ad.break_error",
    }
)  # fmt: skip


Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
# Players begin at the time in milliseconds, so that a reloaded page counts on above an earlier one of the same session.
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where in the film: a scene id and seconds into it. Never a player's ``currentTime``, which ads shift."""

    scene: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    offset: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0.0


class ClientEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event as a client sends it."""

    v: int
    id: uuid.UUID
    type: str
    occurred_at: Moment
    session: uuid.UUID | None = None
    seq: Seq = 0
    position: Position | None = None
    plan_version: Count = 0
    token: str | None = None
    data: dict[str, Any] = {}


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event as the log carries it. ``decision``, ``slot``, ``ad``, ``flight`` and ``price_micros`` come from the token.

    ``invalid`` is the reason why the edge already knows the event must be stored as invalid; empty when it knows none.
    """

    id: uuid.UUID
    type: str
    occurred_at: Moment
    received_at: Moment
    v: int = VERSION
    session: uuid.UUID | None = None
    seq: int = 0
    position: Position | None = None
    plan_version: int = 0
    viewer: uuid.UUID | None = None
    title: int | None = None
    decision: uuid.UUID | None = None
    slot: int | None = None
    ad: int | None = None
    flight: int | None = None
    price_micros: int = 0
    ip_hash: str = ""
    ua_hash: str = ""
    synthetic: bool = False
    batch: str | None = None
    request_id: str = ""
    invalid: str = ""
    data: dict[str, Any] = {}


_encoder = msgspec.msgpack.Encoder(uuid_format="bytes")
_decoder = msgspec.msgpack.Decoder(Event)


def encode(event: Event) -> bytes:
    return _encoder.encode(event)


def decode(payload: bytes) -> Event:
    """Raises msgspec.DecodeError (ValidationError when the shape is wrong)."""
    return _decoder.decode(payload)
