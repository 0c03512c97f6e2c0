"""What a client may say on the session socket, and how much of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from adplatform.eventlog.envelope import Position

LARGEST_MESSAGE = 256 * 1024
# A calm player sends two events a second; a backlog after a lost connection may come at once.
EVENTS_A_SECOND = 20.0
BURST = 300.0
# A greeting reads the plan from the database and is answered with the whole timeline; a player says one for each connection.
HELLO_COST = 10


class Hello(msgspec.Struct, tag="hello"):
    last_seq: int = 0


class Events(msgspec.Struct, tag="events"):
    events: list[msgspec.Raw]


class Seek(msgspec.Struct, tag="seek"):
    position: Position


class Direct(msgspec.Struct, tag="direct"):
    """The viewer wants the film as its author edited it, or lets the Director work again."""

    as_edited: bool


Message = Hello | Events | Seek | Direct
_decoder = msgspec.json.Decoder(Message)


def cost(message: Message) -> int:
    """What a message takes from the bucket: every frame is read and answered, an empty one too."""
    match message:
        case Hello():
            return HELLO_COST
        case Events():
            return max(1, len(message.events))
        case _:
            return 1


class Unreadable(ValueError):
    """The message is none that this socket knows."""


def read(text: str) -> Message:
    """Raises Unreadable."""
    if len(text) > LARGEST_MESSAGE:
        raise Unreadable("too_large")
    try:
        message: Message = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Unreadable("unreadable") from error
    return message


@dataclass(slots=True)
class TokenBucket:
    """Lets ``burst`` events through at once and ``rate`` a second after that."""

    rate: float = EVENTS_A_SECOND
    burst: float = BURST
    left: float = BURST
    at: float = 0.0

    def take(self, count: int, *, now: float) -> bool:
        """Whether ``count`` events may pass at ``now`` (seconds of any clock that only moves forward)."""
        self.left = min(self.burst, self.left + max(0.0, now - self.at) * self.rate)
        self.at = now
        if count > self.left:
            return False
        self.left -= count
        return True
