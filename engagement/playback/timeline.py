"""The timeline map: what is when on the session's playlist, as the player, the socket and the captions read it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from catalog import hls

from .plan import FORESEEN_BREAK_SECONDS, Break, Clip, Item, Plan


def media_playlist(plan: Plan) -> str:
    """The media playlist of what is published; each one served is a prefix of the next of the same epoch."""
    placed = [hls.PlacedClip(plan.clip(item).packaged(), item.cut) for item in plan.published]
    return hls.compose(placed, ended=plan.ended, target_duration=plan.target_duration)


def timeline(plan: Plan, *, version: int, now: datetime) -> dict[str, Any]:
    """``items`` are published and never change within an epoch; ``foreseen`` is how the rest stands now."""
    foreseen = list(_foreseen(plan))
    return {
        "version": version,
        "epoch": plan.epoch,
        "server_now": now.isoformat(),
        "items": [_item(plan, item) for item in plan.published],
        "foreseen": foreseen,
        "duration": foreseen[-1]["t1"] if foreseen else plan.published_until,
        "published_until": plan.published_until,
        "ended": plan.ended,
        "captions": list(_captions(plan)),
        "as_edited": plan.as_edited,
        "changes": {"made": plan.changes, "most": plan.change_budget},
        "left_out": [{"id": one.id, "after": one.after, "code": one.code, "reason": one.reason} for one in plan.breaks if one.state == "left_out"],
    }


def _item(plan: Plan, item: Item) -> dict[str, Any]:
    span = {"t0": round(item.t0, 6), "t1": round(item.t1, 6)}
    ad = item.ad
    if ad is None:
        scene = span | {"kind": "scene", "id": item.scene, "name": plan.scene(item.scene).name, "cut": item.cut} | _told(item.change, item.reason)
        return scene | ({"dropped": _dropped(plan.scene(item.scene).clip)} if item.cut == "tight" else {})
    one = next((one for one in plan.breaks if one.id == item.break_id), None)
    return span | {
        "kind": "ad", "id": ad.ad, "name": ad.name, "n": ad.n, "of": ad.of, "break_id": item.break_id, "skip_after": ad.skip_after,
        "click": ad.click, "token": ad.token, "price_micros": ad.price_micros, "pctr": ad.pctr, "campaign": ad.campaign_name,
        "advertiser": ad.advertiser_name, "decision": str(ad.decision), "slot": ad.slot, "cut": item.cut,
    } | ({"headline": ad.headline} if ad.headline else {}) | _told(_changed(one) if one else "", one.reason if one else "")  # fmt: skip


def _dropped(clip: Clip) -> list[list[float]]:
    """What a tight cut leaves out: spans in seconds of the full scene, in which positions count."""
    spans, start = [], 0.0
    for _, seconds, kept in clip.segments:
        if not kept:
            spans.append([round(start, 6), round(start + seconds, 6)])
        start += seconds
    return spans


def _foreseen(plan: Plan) -> Iterator[dict[str, Any]]:
    start = plan.published_until
    open_breaks = {one.after: one for one in plan.breaks if one.state == "open"}
    for place, scene_id in enumerate((*plan.remaining, None), start=len(plan.played)):
        if place in open_breaks:
            one = open_breaks[place]
            seconds = min(FORESEEN_BREAK_SECONDS, one.most_seconds or FORESEEN_BREAK_SECONDS)
            yield {"t0": start, "t1": start + seconds, "kind": "break", "id": one.id, "name": "Ads"} | _told(_changed(one), one.reason)
            start += seconds
        if scene_id is None:
            return
        scene = plan.scene(scene_id)
        duration, note = scene.clip.duration(plan.cut_of(scene_id)), plan.note_of(scene_id)
        span = {"t0": start, "t1": start + duration, "kind": "scene", "id": scene.id, "name": scene.name}
        yield span | _told(note.change if note else "", note.reason if note else "")
        start += duration


def _changed(one: Break) -> str:
    return "move_break" if one.moved else "shorten_break" if one.most_seconds is not None else ""


def _told(change: str, reason: str) -> dict[str, str]:
    """What the Director did with this stretch, empty where it is as the author had it, and why."""
    return {"change": change, "reason": reason}


def _captions(plan: Plan) -> Iterator[dict[str, Any]]:
    for item in plan.published:
        captions = plan.clip(item).captions
        if captions:
            yield {"t0": round(item.t0, 6), "url": captions}
