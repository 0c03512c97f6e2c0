"""VMAP 1.0.1: when the breaks of a film are, and where each is asked for. Pure: breaks in, a document out.

The prefix is always ``vmap``: there are players that look for it instead of the namespace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ads.placement import PlacedBreak

from . import xml
from .vast import clock
from .xml import Markup, element, uri

NAMESPACE = "http://www.iab.net/videosuite/vmap"
VERSION = "1.0"
CONTENT_TYPE = "application/xml; charset=utf-8"
# VMAP 1.0.1 section 2.3.2 has a name for each VAST version up to 3; players take the 4 for what it is.
TEMPLATE = "vast4"
EVENTS = ("breakStart", "breakEnd", "error")


@dataclass(frozen=True, slots=True)
class AdBreak:
    """One break: ``ad_tag`` is where its VAST is asked for, or ``vast`` the document itself. ``tracking`` holds addresses by `EVENTS`."""

    id: str
    time_offset: str
    ad_tag: str = ""
    vast: str = ""
    tracking: Mapping[str, str] = field(default_factory=dict)


def time_offset(one: PlacedBreak) -> str:
    """``start``, ``end`` or ``HH:MM:SS.mmm`` of the film, ads not counted (section 2.3.1.2)."""
    return {"pre": "start", "post": "end"}.get(one.position) or clock(one.offset)


def document(breaks: Sequence[AdBreak]) -> str:
    """A film without breaks is a VMAP without AdBreak. Raises ValueError for a break that is asked for nowhere."""
    return xml.document(element("vmap:VMAP", *map(_break, breaks), **{"xmlns:vmap": NAMESPACE, "version": VERSION}))


def _break(one: AdBreak) -> Markup:
    attributes = {"timeOffset": one.time_offset, "breakType": "linear", "breakId": one.id}
    return element("vmap:AdBreak", _source(one), _tracking(one.tracking), **attributes)


def _source(one: AdBreak) -> Markup:
    if bool(one.ad_tag) == bool(one.vast):
        raise ValueError(f"break {one.id} needs an ad tag or its VAST, and not both")
    if one.vast:
        source = element("vmap:VASTAdData", Markup(one.vast.removeprefix(xml.DECLARATION).rstrip("\n")))
    else:
        source = element("vmap:AdTagURI", uri(one.ad_tag), templateType=TEMPLATE)
    return element("vmap:AdSource", source, id=one.id, allowMultipleAds="true", followRedirects="true")


def _tracking(addresses: Mapping[str, str]) -> Markup | None:
    told = list(_told(addresses))
    return element("vmap:TrackingEvents", *told) if told else None


def _told(addresses: Mapping[str, str]) -> Iterator[Markup]:
    for event in EVENTS:
        if addresses.get(event):
            yield element("vmap:Tracking", uri(addresses[event]), event=event)
