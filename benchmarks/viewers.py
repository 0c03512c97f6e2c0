"""Many players over real WebSockets from one process: each says something twice a second, on a clock of its own, whatever came back.

A client of its own with no more of RFC 6455 than this needs, so that on a small machine the load costs less than what it measures.
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
import struct
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

EVERY = 0.5
CONNECTING_AT_ONCE = 16
ANSWER_SECONDS = 20.0
# What people do between two heartbeats, now and then.
ACTIONS = ("playback.pause", "playback.play", "playback.rewind", "playback.skip_scene", "playback.rate", "playback.volume")
ACTION_SHARE = 0.08


class Item(msgspec.Struct):
    t0: float
    t1: float
    kind: str
    id: int
    token: str = ""


class Timeline(msgspec.Struct):
    items: list[Item] = []


class Answer(msgspec.Struct):
    type: str
    seq: int = 0
    items: list[Item] = []
    timeline: Timeline | None = None


_answers = msgspec.json.Decoder(Answer)


@dataclass
class Told:
    """Milliseconds from an event that was sent to each kind of answer, and how many events each session sent."""

    acks: list[float] = field(default_factory=list)
    engagement: list[float] = field(default_factory=list)
    decisions: list[float] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    late: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Seat:
    """Where one viewer connects, the session's number so far and where the playhead is."""

    port: int
    path: str
    session: str
    seq: int
    t: float


class Viewer(asyncio.Protocol):
    def __init__(self, seat: Seat, told: Told, dice: random.Random) -> None:
        self.seat, self.told, self.dice = seat, told, dice
        self.seq, self.acked, self.t = seat.seq, seat.seq, seat.t
        self.items: list[Item] = []
        self.on_screen: Item | None = None
        self.sent_at: dict[int, float] = {}
        self.last_acked_at = self.scene_at = 0.0
        self.buffer = b""
        self.leaving = False
        self.open = asyncio.get_running_loop().create_future()
        self.all_acked = asyncio.Event()

    # The wire

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        host = f"127.0.0.1:{self.seat.port}"
        transport.write(
            f"GET {self.seat.path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUser-Agent: Mozilla/5.0 (benchmark)\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.open.done():
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.open.set_exception(ConnectionError(head.decode("latin-1")[:200]))
                return
            self.buffer = rest
            self.open.set_result(None)
            self.write(b'{"type":"hello","last_seq":%d}' % self.seq)
        while frame := self._frame():
            self._hear(*frame)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.open.done():
            self.open.set_exception(error or ConnectionError("closed during the handshake"))

    def _frame(self) -> tuple[int, bytes] | None:
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 127, 2
        if length == 126:
            if len(buffer) < 4:
                return None
            length, start = struct.unpack_from(">H", buffer, 2)[0], 4
        elif length == 127:
            if len(buffer) < 10:
                return None
            length, start = struct.unpack_from(">Q", buffer, 2)[0], 10
        if len(buffer) < start + length:
            return None
        self.buffer = buffer[start + length :]
        return buffer[0] & 15, buffer[start : start + length]

    def write(self, payload: bytes, opcode: int = 1) -> None:
        """One masked frame; the mask is zero, which leaves the payload as it is."""
        length = len(payload)
        head = bytes([128 | opcode, 128 | length]) if length < 126 else bytes([128 | opcode, 254]) + struct.pack(">H", length)
        self.transport.write(head + b"\0\0\0\0" + payload)

    def leave(self) -> None:
        self.leaving = True
        self.write(struct.pack(">H", 1000), 8)

    # What is heard

    def _hear(self, opcode: int, payload: bytes) -> None:
        now = time.perf_counter()
        if opcode == 9:
            self.write(payload, 10)
        elif opcode == 8:
            if not self.leaving:
                self.told.refused.append("closed")
        elif opcode == 1:
            self._answered(_answers.decode(payload), now)

    def _answered(self, answer: Answer, now: float) -> None:
        if answer.type == "ack":
            for seq in [seq for seq in self.sent_at if seq <= answer.seq]:
                self.last_acked_at = self.sent_at.pop(seq)
                self.told.acks.append((now - self.last_acked_at) * 1000)
            self.acked = max(self.acked, answer.seq)
            if not self.sent_at:
                self.all_acked.set()
        elif answer.type == "engagement" and self.last_acked_at:
            self.told.engagement.append((now - self.last_acked_at) * 1000)
        elif answer.type == "decision" and self.scene_at:
            self.told.decisions.append((now - self.scene_at) * 1000)
        elif answer.type == "timeline":
            self.items = answer.items
        elif answer.type == "welcome" and answer.timeline:
            self.items = answer.timeline.items
        elif answer.type == "refused":
            self.told.refused.append(answer.type)

    # What is said

    def say(self) -> None:
        """Half a second of film has passed."""
        self.t += EVERY
        item = next((one for one in self.items if one.t0 <= self.t < one.t1), self.on_screen)
        events = self._turned(item) if item is not self.on_screen and item is not None else []
        self.on_screen = item
        if not events:
            kind = self.dice.choice(ACTIONS) if self.dice.random() < ACTION_SHARE else "playback.heartbeat"
            events = [self._event(kind, item)]
        now = time.perf_counter()
        self.sent_at[self.seq] = now
        self.all_acked.clear()
        if any(b"scene_start" in event for event in events):
            self.scene_at = now
        self.write(b'{"type":"events","events":[' + b",".join(events) + b"]}")

    def _turned(self, item: Item) -> list[bytes]:
        events, before = [], self.on_screen
        if before is not None and before.t0 == item.t0:
            return []
        if before is not None and before.kind == "scene":
            duration = before.t1 - before.t0
            events.append(self._event("playback.scene_end", before, watched=round(duration, 3), duration=round(duration, 3)))
        elif before is not None and before.kind == "ad":
            events.append(self._event("ad.complete", before))
        events += [self._event(kind, item) for kind in (("playback.scene_start",) if item.kind == "scene" else ("ad.impression", "ad.start"))]
        return events

    def _event(self, kind: str, item: Item | None, **more: Any) -> bytes:
        self.seq += 1
        now = datetime.now(UTC)
        milliseconds = int(now.timestamp() * 1000)
        number = (milliseconds & (2**48 - 1)) << 80 | 0x7 << 76 | self.dice.getrandbits(12) << 64 | 0b10 << 62 | self.dice.getrandbits(62)
        data = {"t": round(self.t, 3), "playing": kind != "playback.pause", "rate": 1.0, "buffer": 8.0, "dropped": 0} | more
        event: dict[str, Any] = {
            "v": 1,
            "id": str(uuid.UUID(int=number)),
            "type": kind,
            "occurred_at": now.isoformat(),
            "seq": self.seq,
            "data": data,
        }
        if item is not None and item.kind == "scene":
            event["position"] = {"scene": item.id, "offset": round(max(0.0, self.t - item.t0), 3)}
        if kind.startswith("ad.") and item is not None:
            event["token"] = item.token
        return msgspec.json.encode(event)


async def watch(seats: Sequence[Seat], seconds: float, seed: int) -> tuple[Told, list[float]]:
    """Connect every seat, let all of them speak for ``seconds``, wait for the last acknowledgement; what was told, and where each playhead is."""
    told, loop = Told(), asyncio.get_running_loop()
    at_once = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def seated(number: int, seat: Seat) -> Viewer:
        async with at_once:
            _, viewer = await loop.create_connection(lambda: Viewer(seat, told, random.Random(seed + number)), "127.0.0.1", seat.port)
            await asyncio.wait_for(viewer.open, ANSWER_SECONDS)
            return viewer

    viewers = list(await asyncio.gather(*(seated(number, seat) for number, seat in enumerate(seats))))
    await asyncio.sleep(2.0)  # Welcomes arrive; garbage of connecting is collected.
    started, step = time.perf_counter(), EVERY / len(viewers)
    for number in range(round(seconds / step)):
        due = started + number * step
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        told.late.append((time.perf_counter() - due) * 1000)
        viewers[number % len(viewers)].say()
    await asyncio.wait_for(asyncio.gather(*(viewer.all_acked.wait() for viewer in viewers)), ANSWER_SECONDS)
    for viewer in viewers:
        told.sent[viewer.seat.session] = viewer.seq
        viewer.leave()
    await asyncio.sleep(0.2)
    for viewer in viewers:
        viewer.transport.close()
    return told, [viewer.t for viewer in viewers]


def run(seats: Sequence[Seat], seconds: float, seed: int) -> tuple[Told, list[float]]:
    return asyncio.run(watch(seats, seconds, seed))
