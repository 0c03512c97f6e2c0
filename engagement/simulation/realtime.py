"""Synthetic viewers in real time: each opens titles over real HTTP, watches over a real socket, and sends what a player would.

They share the behaviour of written history; only the clock is the wall's. A viewer that meets an error waits and opens
another title, so a site that restarts gets its audience back.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec
import numpy as np
import structlog
import websockets
from numpy.random import Generator

from adplatform.eventlog import ids
from catalog.selectors import WatchableTitle

from . import behaviour, invalid, scenes
from .audience import Audience
from .behaviour import Action, Watched
from .loyalty import Loyalty
from .people import Person
from .walk import satisfaction
from .world import World

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 1.0
POLL_SECONDS = 4.0
AFTER_ERROR_SECONDS = 5.0
BETWEEN_FILMS_SECONDS = 8.0
HTTP_SECONDS = 10.0
# As the player does, so that a pause does not cost what is reserved for it.
KEEP_HOLDS_SECONDS = 30.0
AGENTS = {"crawler": invalid.CRAWLER_AGENT, "other_browser": invalid.OTHER_AGENT}


class Lost(RuntimeError):
    """The site did not answer as a player expects; the viewer gives this session up."""


@dataclass
class Site:
    """Where the audience watches; ``cookies`` are those of each person's browser, in which their profile is chosen."""

    base_url: str
    cookies: dict[uuid.UUID, dict[str, str]]

    def socket_url(self, path: str) -> str:
        parts = urlsplit(self.base_url)
        return urlunsplit(("wss" if parts.scheme == "https" else "ws", parts.netloc, path, "", ""))


@dataclass
class Crowd:
    """``viewers`` at a time, drawn from ``persons`` by how much they watch, until cancelled."""

    audience: Audience
    place: World
    persons: list[Person]
    site: Site
    rng: Generator
    views: behaviour.Views = field(init=False)
    loyalty: Loyalty = field(init=False)

    def __post_init__(self) -> None:
        self.views = behaviour.Views(self.audience.clicking.weary_hours)
        self.loyalty = Loyalty(self.audience, self.persons)

    async def run(self, viewers: int, *, seconds: float | None = None) -> None:
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(self._seat(number) for number in range(viewers)))

    async def _seat(self, number: int) -> None:
        """One seat in the house: whoever leaves is followed by somebody else, where it is a likely hour to watch."""
        await asyncio.sleep(number * float(self.rng.uniform(0.2, 2.0)))
        while True:
            now = datetime.now(UTC)
            hours = np.array([self.audience.rhythm.weight(person.local(now)) for person in self.persons])
            # Those who stay away are not asked, unless nobody else is left.
            likely = hours * self.loyalty.weights(now)
            likely = likely if likely.sum() > 0 else hours * self.loyalty.hours
            person = self.persons[int(self.rng.choice(len(self.persons), p=likely / likely.sum()))]
            try:
                await self._watch(person, invalid.draw(self.audience.invalid_traffic, self.rng))
                await asyncio.sleep(float(self.rng.exponential(BETWEEN_FILMS_SECONDS)))
            except (httpx.HTTPError, OSError, websockets.exceptions.WebSocketException, Lost) as error:
                log.warning("synthetic_viewer_lost", person=str(person.id), problem=f"{type(error).__name__}: {error}")
                await asyncio.sleep(AFTER_ERROR_SECONDS)

    async def _watch(self, person: Person, kind: str) -> None:
        titles = {title.id: title for title in self.place.titles}
        chosen = behaviour.choose_title(person, [(title.id, title.genres) for title in self.place.titles], rng=self.rng)
        headers = {"User-Agent": person.browser}
        cookies = self.site.cookies[person.id]
        async with httpx.AsyncClient(base_url=self.site.base_url, cookies=cookies, headers=headers, timeout=HTTP_SECONDS) as http:
            for _ in range(invalid.BURST_SESSIONS if kind == "burst" else 1):
                player = await self._play(http, person, titles[chosen], kind)
            while player.switched is not None and player.switched[0] in titles:
                title, decision = player.switched
                player = await self._play(http, person, titles[title], "", came_from=decision)

    async def _play(self, http: httpx.AsyncClient, person: Person, title: WatchableTitle, kind: str, *, came_from: str = "") -> Player:
        opened = await self._open(http, person, title, came_from)
        url = self.site.socket_url(opened["socket"])
        async with websockets.connect(
            url,
            origin=self.site.base_url,  # type: ignore[arg-type]
            user_agent_header=person.browser,
            open_timeout=HTTP_SECONDS,
        ) as socket:
            player = Player(self, person, title, opened, socket, http, kind)
            async with player.listening(), player.polling():
                await (player.rush() if kind == "burst" else player.play())
        if kind in invalid.HONEST_BEHAVIOUR:
            worth = satisfaction(self.audience, player.sitting, finished=player.finished)
            self.loyalty.watched(self.loyalty.place[person.id], worth, until=datetime.now(UTC), rng=self.rng)
        return player

    async def _open(self, http: httpx.AsyncClient, person: Person, title: WatchableTitle, came_from: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "title": title.slug,
            "tab": f"audience-{uuid.uuid4().hex[:12]}",
            "device": person.device,
            "timezone": person.zone,
            "restart": True,
        }
        if came_from:
            body["came_from"] = came_from
        response = await http.post("/api/v1/playback", json=body)
        if response.status_code != 201:
            raise Lost(f"opening {title.slug} answered {response.status_code}")
        opened: dict[str, Any] = response.json()
        return opened


class Player:
    """One synthetic player on one session: it follows the timeline the server publishes, clip by clip, in real time.

    ``kind`` is that of invalid traffic, empty for an honest player.
    """

    def __init__(
        self, crowd: Crowd, person: Person, title: WatchableTitle, opened: dict[str, Any], socket: Any, http: httpx.AsyncClient, kind: str
    ) -> None:
        self.crowd, self.person, self.title, self.socket, self.http, self.kind = crowd, person, title, socket, http, kind
        self.token = opened["session_token"]
        self.session = opened["session"]
        self.playlist = opened["playlist"]
        self.timeline = opened["timeline"]
        self.moods = {scene.id: scene for scene in title.scenes}
        self.changed = asyncio.Event()
        self.seq = 0
        self.ad_seconds = 0.0
        self.sitting = scenes.FRESH
        self.poor = crowd.rng.random() < crowd.audience.network.poor
        self.arrives = scenes.GOOD
        self.usual = sum(scene.duration() for scene in title.scenes) / len(title.scenes)
        self.suggested: dict[str, Any] | None = None
        self.switched: tuple[int, str] | None = None
        self.finished = False

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        async def listen() -> None:
            async for text in self.socket:
                message = json.loads(text)
                if message["type"] in ("timeline", "welcome"):
                    newer = message.get("timeline", message)
                    if newer["version"] >= self.timeline["version"]:
                        self.timeline = newer
                        self.changed.set()
                elif message["type"] == "decision" and message.get("action") == "suggest" and message.get("title"):
                    self.suggested = message

        async with background(listen()):
            yield

    @contextlib.asynccontextmanager
    async def polling(self) -> AsyncIterator[None]:
        """A player reloads its EVENT playlist; so does this one."""

        async def poll() -> None:
            master = await self.http.get(self.playlist)
            variant = next((line for line in master.text.splitlines() if line and not line.startswith("#")), None)
            if master.status_code != 200 or variant is None:
                raise Lost(f"the playlist answered {master.status_code}")
            url = master.url.join(variant)
            while "#EXT-X-ENDLIST" not in (await self.http.get(url)).text:
                await asyncio.sleep(POLL_SECONDS)

        async with background(poll()):
            yield

    async def play(self) -> None:
        await self.say({"type": "hello", "last_seq": 0})
        await self.send([self.event("playback.start")])
        index = 0
        while (item := await self._published(index)) is not None:
            goes_on = await (self._ad(item) if item["kind"] == "ad" else self._scene(item))
            if not goes_on:
                await self._complain()
                return
            index += 1
        await self._finish()
        await self._complain()

    async def _published(self, index: int) -> dict[str, Any] | None:
        """The clip at ``index`` once it is published, None after the last."""
        deadline = time.monotonic() + 30
        while index >= len(self.timeline["items"]):
            if self.timeline["ended"]:
                return None
            self.changed.clear()
            await self.send([self._heartbeat(None, self.timeline["published_until"])])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), 2)
            if time.monotonic() > deadline:
                raise Lost("nothing more was published")
        item: dict[str, Any] = self.timeline["items"][index]
        return item

    async def _scene(self, item: dict[str, Any]) -> bool:
        crowd, view = self.crowd, self._view(item)
        await self.send([self.event("playback.scene_start", item, 0.0, cut=item["cut"], change=item.get("change", ""))])
        if not self.timeline["as_edited"] and scenes.asks_for_the_edit(crowd.audience, self.person, view, crowd.rng):
            await self.say({"type": "direct", "as_edited": True})
        self.arrives = scenes.picture(crowd.audience, poor=self.poor, rng=crowd.rng)
        watched = scenes.watch_scene(
            crowd.audience, self.person, view, ad_seconds=self.ad_seconds, rng=crowd.rng, sitting=self.sitting, arrives=self.arrives
        )
        self.ad_seconds = 0.0
        if not await self._through(item, watched, lambda action: self.event(action.type, item, action.at, **action.data)):
            return False
        self.sitting = scenes.after_scene(crowd.audience, self.person, view, self.sitting, watched, poor=self.arrives.poor)
        self.arrives = scenes.GOOD
        kind = "playback.leave" if watched.left else "playback.scene_end"
        told = {"cut": item["cut"], "watched": round(watched.seconds, 3), "duration": round(view.duration, 3)}
        await self.send([self.event(kind, item, watched.seconds, **told)])
        return not watched.left

    def _view(self, item: dict[str, Any]) -> scenes.SceneView:
        scene = self.moods[item["id"]]
        order = [one["id"] for one in (*self.timeline["items"], *self.timeline["foreseen"]) if one["kind"] == "scene"]
        as_written = sorted(order, key=lambda one: self.moods[one].position)
        return scenes.SceneView(
            id=scene.id, mood=scene.mood, intensity=scene.intensity, genres=self.title.genres, duration=item["t1"] - item["t0"],
            index=self.sitting.scenes, usual=self.usual, whole=scene.duration(), moved=order.index(scene.id) - as_written.index(scene.id),
            optional=scene.optional,
        )  # fmt: skip

    async def _answers(self, item: dict[str, Any], at: float) -> bool:
        """Whether the person goes over to the title that was just suggested; the answer is reported either way."""
        told, self.suggested = self.suggested, None
        if told is None:
            return False
        crowd, title = self.crowd, int(told["title"]["id"])
        genres = next((one.genres for one in crowd.place.titles if one.id == title), ())
        decision = str(told["id"])
        taken = crowd.rng.random() < scenes.follows_suggestion(crowd.audience, self.person, self.sitting, genres)
        await self.send([self.event("playback.suggestion", item, at, decision=decision, title=title, taken=taken)])
        if not taken:
            self.sitting = replace(self.sitting, annoyed=self.sitting.annoyed + crowd.audience.suggesting.annoyance)
            return False
        self.switched = (title, decision)
        await self.send([self.event("playback.leave", item, at, watched=round(at, 3))])
        return True

    async def _ad(self, item: dict[str, Any]) -> bool:
        crowd = self.crowd
        creative = crowd.place.creatives.get(item["id"])
        if creative is None:
            raise Lost(f"ad {item['id']} is newer than this audience")
        now = datetime.now(UTC)
        view = behaviour.AdView(
            key=creative.key, category=creative.category, duration=item["t1"] - item["t0"], skip_after=item["skip_after"], place=item["n"] - 1,
            seen_before=crowd.views.recent(self.person.id, item["id"], now=now), genres=self.title.genres,
            hour=self.person.local(now).hour, device=self.person.device,
        )  # fmt: skip
        watched = invalid.played(self.kind, behaviour.watch_ad(crowd.audience, self.person, view, rng=crowd.rng), duration=view.duration)
        if self.kind in invalid.HONEST_BEHAVIOUR:
            crowd.views.add(self.person.id, item["id"], now=now)
        await self._through(item, watched, lambda action: self.event(action.type, token=item["token"]))
        self.ad_seconds += watched.seconds
        self.sitting = replace(self.sitting, ad_seconds=self.sitting.ad_seconds + watched.seconds)
        if watched.left:
            await self.send([self.event("playback.leave", item, watched.seconds)])
        return not watched.left

    async def _through(self, item: dict[str, Any], watched: Watched, report: Any) -> bool:
        """Let the clip pass in real time: heartbeats every second, each action when it is due, pauses waited for. False for who went
        over to another title meanwhile."""
        at = 0.0
        for action in (*watched.actions, Action(watched.seconds, "")):
            while action.at - at > HEARTBEAT_SECONDS:
                await asyncio.sleep(HEARTBEAT_SECONDS)
                at += HEARTBEAT_SECONDS
                await self.send([self._heartbeat(item, item["t0"] + at)])
                if item["kind"] == "scene" and await self._answers(item, at):
                    return False
            await asyncio.sleep(max(0.0, action.at - at))
            at = max(at, action.at)
            if action.type:
                await self.report(report(action))
            await self._pause(item, action.pause)
        return True

    async def _pause(self, item: dict[str, Any], seconds: float) -> None:
        """The picture stands still and the player lives: it keeps what is reserved for it, as the real one does."""
        while seconds > 0:
            await asyncio.sleep(min(seconds, KEEP_HOLDS_SECONDS))
            seconds -= KEEP_HOLDS_SECONDS
            if seconds > 0 and (held := self._held_from(item)):
                await self.send([self.event("ad.heartbeat", token=one["token"]) for one in held])

    def _held_from(self, item: dict[str, Any]) -> list[dict[str, Any]]:
        return [one for one in self.timeline["items"] if one["kind"] == "ad" and one["t1"] >= item["t1"]]

    async def rush(self) -> None:
        """To the end at once, and a click on every ad that is met."""
        await self.say({"type": "hello", "last_seq": 0})
        await self.say({"type": "seek", "position": {"scene": self.title.scenes[-1].id, "offset": 0}})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._told(), invalid.BURST_STEP_SECONDS)
        for item in self.timeline["items"]:
            if item["kind"] == "ad":
                await self.send([self.event(kind, token=item["token"]) for kind in ("ad.impression", "ad.start", "ad.click")])

    async def _told(self) -> None:
        while self.title.scenes[-1].id not in [item["id"] for item in self.timeline["items"] if item["kind"] == "scene"]:
            self.changed.clear()
            await self.changed.wait()

    async def _finish(self) -> None:
        crowd, self.finished = self.crowd, True
        events = [self.event("playback.end", t=self.timeline["published_until"])]
        if crowd.rng.random() < crowd.audience.rating.share:
            mean = self.sitting.fits / max(1, self.sitting.scenes)
            events.append(self.event("playback.rating", stars=behaviour.stars(mean, rng=crowd.rng)))
        await self.send(events)

    async def _complain(self) -> None:
        found = scenes.complaints(self.crowd.audience, self.person, self.sitting, rng=self.crowd.rng)
        if found and self.switched is None:
            await self.send([self.event("playback.complaint", about=about) for about in found])

    def _heartbeat(self, item: dict[str, Any] | None, t: float) -> dict[str, Any]:
        offset = t - item["t0"] if item else 0.0
        scene, arrives = item if item and item["kind"] == "scene" else None, self.arrives
        told: dict[str, Any] = {"playing": True, "rate": 1.0, "buffer": arrives.buffer, "dropped": arrives.dropped}
        return self.event("playback.heartbeat", scene, offset, t=round(t, 3), **told)

    def event(self, type_: str, item: dict[str, Any] | None = None, offset: float = 0.0, *, token: str | None = None, **data: Any) -> dict[str, Any]:
        self.seq += 1
        now = datetime.now(UTC)
        if item is not None and "t" not in data:
            data["t"] = round(item["t0"] + offset, 3)
        position = {"scene": item["id"], "offset": round(offset, 3)} if item is not None and item["kind"] == "scene" else None
        return {
            "v": 1, "id": str(ids.new_id(now)), "type": type_, "occurred_at": now.isoformat(), "session": self.session, "seq": self.seq,
            "position": position, "plan_version": self.timeline["version"], "token": token, "data": data,
        }  # fmt: skip

    async def report(self, event: dict[str, Any]) -> None:
        """Send one event the way this kind of traffic sends its tracking: robots and other browsers over HTTP, replays again and again."""
        tracking = event["type"].startswith("ad.")
        if tracking and self.kind in AGENTS:
            body = msgspec.json.encode({"session_token": self.token, "events": [event]})
            await self.http.post("/api/v1/events", content=body, headers={"User-Agent": AGENTS[self.kind], "Content-Type": "application/json"})
            return
        if tracking and self.kind == "wrong_clock":
            event["occurred_at"] = (datetime.now(UTC) + invalid.WRONG_CLOCK).isoformat()
        times = invalid.REPLAYS if self.kind == "replay" and event["type"] in invalid.REPLAYED else 1
        for _ in range(times):
            await self.send([event])

    async def send(self, events: Iterable[dict[str, Any]]) -> None:
        await self.say({"type": "events", "events": list(events)})

    async def say(self, message: dict[str, Any]) -> None:
        await self.socket.send(msgspec.json.encode(message).decode())


@contextlib.asynccontextmanager
async def background(work: Any) -> AsyncIterator[None]:
    """Run ``work`` beside the block; its failure ends the block with the same error."""
    owner = asyncio.current_task()
    failure: list[BaseException] = []

    async def guarded() -> None:
        try:
            await work
        except (httpx.HTTPError, OSError, websockets.exceptions.WebSocketException, Lost, ValueError, KeyError) as error:
            failure.append(error)
            if owner is not None:
                owner.cancel()

    task = asyncio.create_task(guarded())
    try:
        yield
    except asyncio.CancelledError:
        if failure:
            if owner is not None:
                owner.uncancel()
            raise Lost(f"{type(failure[0]).__name__}: {failure[0]}") from failure[0]
        raise
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
