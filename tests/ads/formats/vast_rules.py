"""The rules of the published VAST 4.2 schema for what we write, as data, with a small checker; and the rules that stand in its text alone.

Every element names its children in the schema's order with how often they may stand there, its attributes, and the form of its text. What
is not named is not allowed: a document that passes says nothing that the schema does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

NAMESPACE = "http://www.iab.com/VAST"
MANY = 1_000_000


@dataclass(frozen=True)
class Child:
    name: str
    least: int = 0
    most: int = 1


@dataclass(frozen=True)
class Attribute:
    form: str = "any"
    required: bool = False


@dataclass(frozen=True)
class Element:
    """``text`` names the form of its character data, None where it may have none; ``ordered`` False where children stand in any order;
    ``open`` where anything may stand inside; ``choice`` where children of one name alone may stand."""

    children: tuple[Child, ...] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    text: str | None = None
    ordered: bool = True
    open: bool = False
    choice: bool = False


FORMS: dict[str, re.Pattern[str]] = {
    "any": re.compile(r"(?s).*"),
    # RFC 2396 with the square brackets of RFC 2732: what XML Schema 1.0 calls anyURI, less what it would have to encode.
    "uri": re.compile(
        r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9:/?\[\]@!$&'()*+,;=\-._~]|%[0-9A-Fa-f]{2})+(?:#(?:[A-Za-z0-9:/?@!$&'()*+,;=\-._~]|%[0-9A-Fa-f]{2})*)?"
    ),
    "authority": re.compile(r"(?:[A-Za-z0-9:/?@!$&'()*+,;=\-._~]|%[0-9A-Fa-f]{2})+"),
    "integer": re.compile(r"[+-]?\d+"),
    "decimal": re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"),
    "boolean": re.compile(r"true|false|0|1"),
    "time": re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?"),
    "offset": re.compile(r"\d{2}:[0-5]\d:[0-5]\d(?:\.\d{3})?|1?\d?\d(?:\.?\d)*%"),
    "currency": re.compile(r"[A-Za-z]{3}"),
    "pricing": re.compile(r"CPC|CPM|CPE|CPV|cpc|cpm|cpe|cpv"),
    "delivery": re.compile(r"streaming|progressive"),
    "ad type": re.compile(r"video|audio|hybrid"),
    "x position": re.compile(r"[0-9]*|left|right"),
    "y position": re.compile(r"[0-9]*|top|bottom"),
    "required": re.compile(r"all|any|none"),
    "rendering": re.compile(r"default|end-card|concurrent"),
    "version": re.compile(r"4\.[23]"),
    "event": re.compile(
        "mute|unmute|pause|resume|rewind|skip|playerExpand|playerCollapse|loaded|start|firstQuartile|midpoint|thirdQuartile|complete|progress"
        "|closeLinear|creativeView|acceptInvitation|adExpand|adCollapse|minimize|close|overlayViewDuration|otherAdInteraction"
    ),
}
_FREE, _MUST = Attribute(), Attribute(required=True)
_URI = Element(text="uri")
_URI_WITH_ID = Element(text="uri", attributes={"id": _FREE})
_TEXT = Element(text="any")
_STATIC = Element(text="uri", attributes={"creativeType": _MUST})
_INTEGER, _SIZE = Attribute("integer"), Attribute("integer", required=True)

# By place: the same name may mean something else elsewhere (`Error`, `TrackingEvents`).
RULES: dict[str, Element] = {
    "VAST": Element((Child("Ad", 0, MANY), Child("Error", 0, MANY)), {"version": Attribute("version", required=True)}, choice=True),
    "VAST/Error": _URI,
    "VAST/Ad": Element(
        (Child("InLine", 1),), {"id": _FREE, "sequence": _INTEGER, "conditionalAd": Attribute("boolean"), "adType": Attribute("ad type")}
    ),
    "InLine": Element((
        Child("AdSystem", 1), Child("Error", 0, MANY), Child("Extensions"), Child("Impression", 1, MANY), Child("Pricing"),
        Child("ViewableImpression"), Child("AdServingId", 1), Child("AdTitle", 1), Child("AdVerifications"), Child("Advertiser"),
        Child("Category", 0, MANY), Child("Creatives", 1), Child("Description"), Child("Expires"), Child("Survey"),
    )),
    "AdSystem": Element(text="any", attributes={"version": _FREE}),
    "InLine/Error": _URI,
    "Extensions": Element((Child("Extension", 0, MANY),)),
    "Extension": Element(attributes={"type": _FREE}, open=True),
    "Impression": _URI_WITH_ID,
    "Pricing": Element(text="decimal", attributes={"model": Attribute("pricing", required=True), "currency": Attribute("currency", required=True)}),
    "ViewableImpression": Element(
        (Child("Viewable", 0, MANY), Child("NotViewable", 0, MANY), Child("ViewUndetermined", 0, MANY)), {"id": _FREE}
    ),
    "Viewable": _URI,
    "NotViewable": _URI,
    "ViewUndetermined": _URI,
    "AdServingId": _TEXT,
    "AdTitle": _TEXT,
    "AdVerifications": Element((Child("Verification", 0, MANY),)),
    "Verification": Element(
        (Child("ExecutableResource", 0, MANY), Child("JavaScriptResource", 0, MANY), Child("TrackingEvents"), Child("VerificationParameters")),
        {"vendor": _FREE},
    ),
    "ExecutableResource": Element(text="uri", attributes={"apiFramework": _FREE, "type": _FREE}),
    "JavaScriptResource": Element(text="uri", attributes={"apiFramework": _FREE, "browserOptional": Attribute("boolean")}),
    "Verification/TrackingEvents": Element((Child("Tracking", 0, MANY),)),
    "Verification/TrackingEvents/Tracking": Element(text="uri", attributes={"event": _MUST}),
    "VerificationParameters": _TEXT,
    "Advertiser": _TEXT,
    "Category": Element(text="any", attributes={"authority": Attribute("authority", required=True)}),
    "Creatives": Element((Child("Creative", 1, MANY),)),
    "Creative": Element(
        (Child("CompanionAds"), Child("Linear"), Child("UniversalAdId", 1, MANY)),
        {"sequence": _INTEGER, "apiFramework": _FREE, "id": _FREE, "adId": _FREE},
        ordered=False,
    ),
    "UniversalAdId": Element(text="any", attributes={"idRegistry": _MUST}),
    "Linear": Element(
        (Child("Icons"), Child("TrackingEvents"), Child("AdParameters"), Child("Duration", 1), Child("MediaFiles", 1), Child("VideoClicks")),
        {"skipoffset": Attribute("offset")},
    ),
    "Icons": Element((Child("Icon", 1, MANY),)),
    "Icon": Element(
        (
            Child("HTMLResource", 0, MANY), Child("IFrameResource", 0, MANY), Child("StaticResource", 0, MANY), Child("IconClicks"),
            Child("IconViewTracking", 0, MANY),
        ),
        {
            "program": _FREE, "width": _INTEGER, "height": _INTEGER, "xPosition": Attribute("x position"), "yPosition": Attribute("y position"),
            "duration": Attribute("time"), "offset": Attribute("time"), "apiFramework": _FREE, "pxratio": Attribute("decimal"),
        },
    ),
    "StaticResource": _STATIC,
    "IconClicks": Element((Child("IconClickThrough"), Child("IconClickTracking", 0, MANY))),
    "IconClickThrough": _URI,
    "IconClickTracking": _URI_WITH_ID,
    "IconViewTracking": _URI,
    "TrackingEvents": Element((Child("Tracking", 0, MANY),)),
    "Tracking": Element(text="uri", attributes={"event": Attribute("event", required=True), "offset": Attribute("offset")}),
    "AdParameters": Element(text="any", attributes={"xmlEncoded": Attribute("boolean")}),
    "Duration": Element(text="time"),
    "MediaFiles": Element((Child("ClosedCaptionFiles"), Child("MediaFile", 1, MANY))),
    "ClosedCaptionFiles": Element((Child("ClosedCaptionFile", 0, MANY),)),
    "ClosedCaptionFile": Element(text="uri", attributes={"type": _FREE, "language": _FREE}),
    "MediaFile": Element(
        text="uri",
        attributes={
            "id": _FREE, "delivery": Attribute("delivery", required=True), "type": _MUST, "width": _SIZE, "height": _SIZE, "codec": _FREE,
            "bitrate": _INTEGER, "minBitrate": _INTEGER, "maxBitrate": _INTEGER, "scalable": Attribute("boolean"),
            "maintainAspectRatio": Attribute("boolean"), "fileSize": _INTEGER, "mediaType": _FREE, "apiFramework": _FREE,
        },
    ),
    "VideoClicks": Element((Child("ClickTracking", 0, MANY), Child("CustomClick", 0, MANY), Child("ClickThrough"))),
    "ClickTracking": _URI_WITH_ID,
    "CustomClick": _URI_WITH_ID,
    "ClickThrough": _URI_WITH_ID,
    "CompanionAds": Element((Child("Companion", 0, MANY),), {"required": Attribute("required")}),
    "Companion": Element(
        (
            Child("HTMLResource", 0, MANY), Child("IFrameResource", 0, MANY), Child("StaticResource", 0, MANY), Child("AdParameters"),
            Child("AltText"), Child("CompanionClickThrough"), Child("CompanionClickTracking", 0, MANY), Child("CreativeExtensions"),
            Child("TrackingEvents"),
        ),
        {
            "id": _FREE, "width": _SIZE, "height": _SIZE, "assetWidth": _INTEGER, "assetHeight": _INTEGER, "expandedWidth": _INTEGER,
            "expandedHeight": _INTEGER, "apiFramework": _FREE, "adSlotId": _FREE, "pxratio": Attribute("decimal"),
            "renderingMode": Attribute("rendering"),
        },
    ),
    "AltText": _TEXT,
    "CompanionClickThrough": _URI,
    "CompanionClickTracking": Element(text="uri", attributes={"id": _MUST}),
    "Description": _TEXT,
    "Expires": Element(text="integer"),
}  # fmt: skip


def problems(document: str | bytes) -> list[str]:
    """Every breach of the schema's rules and of the text's; empty for a valid document. Raises XMLSyntaxError when it is no XML."""
    root = etree.fromstring(document.encode() if isinstance(document, str) else document)
    return list(breaches(root))


def breaches(root: Any) -> Iterator[str]:
    if root.tag != f"{{{NAMESPACE}}}VAST":
        yield f"the root is {root.tag} and not VAST of {NAMESPACE}"
        return
    yield from _breaches(root, ("VAST",))
    yield from _breaches_of_the_text(root)


def _breaches(node: Any, path: tuple[str, ...]) -> Iterator[str]:
    where, rule = "/".join(path), _rule(path)
    if rule is None:
        yield f"{where}: not known"
        return
    yield from _attributes(node, rule, where)
    if rule.open:
        return
    children = [child for child in node if isinstance(child.tag, str)]
    names = [etree.QName(child).localname for child in children]
    yield from _text(node, children, rule, where)
    yield from _children(names, rule, where)
    for child, name in zip(children, names, strict=True):
        if etree.QName(child).namespace != NAMESPACE:
            yield f"{where}/{name}: of another namespace"
        elif any(known.name == name for known in rule.children):
            yield from _breaches(child, (*path, name))


def _rule(path: tuple[str, ...]) -> Element | None:
    """The longest end of the path that has a rule of its own."""
    ends = ("/".join(path[start:]) for start in range(len(path)))
    return next((RULES[end] for end in ends if end in RULES), None)


def _attributes(node: Any, rule: Element, where: str) -> Iterator[str]:
    for name, attribute in rule.attributes.items():
        if attribute.required and name not in node.attrib:
            yield f"{where}: needs the attribute {name}"
    for name, value in node.attrib.items():
        if name not in rule.attributes:
            yield f"{where}: has no attribute {name}"
        elif not FORMS[rule.attributes[name].form].fullmatch(value):
            yield f"{where}: {name}={value!r} is no {rule.attributes[name].form}"


def _text(node: Any, children: Sequence[Any], rule: Element, where: str) -> Iterator[str]:
    said = (node.text or "") + "".join(child.tail or "" for child in children)
    if rule.text is None:
        if said.strip():
            yield f"{where}: holds the text {said.strip()[:40]!r}"
    elif not FORMS[rule.text].fullmatch(said if rule.text == "any" else said.strip()):
        yield f"{where}: {said.strip()[:80]!r} is no {rule.text}"


def _children(names: Sequence[str], rule: Element, where: str) -> Iterator[str]:
    places = {child.name: place for place, child in enumerate(rule.children)}
    for name in names:
        if name not in places:
            yield f"{where}: {name} may not stand there"
    for child in rule.children:
        times = names.count(child.name)
        if not child.least <= times <= child.most:
            yield f"{where}: {child.name} stands {times} times"
    known = [places[name] for name in names if name in places]
    if rule.ordered and known != sorted(known):
        yield f"{where}: children stand in the order {', '.join(names)}"
    if rule.choice and len(set(names)) > 1:
        yield f"{where}: {' and '.join(sorted(set(names)))} exclude each other"


def _breaches_of_the_text(root: Any) -> Iterator[str]:
    """Of the specification, beyond its schema."""
    of = {"v": NAMESPACE}
    sequences = [int(ad.get("sequence")) for ad in root.findall("v:Ad", of) if (ad.get("sequence") or "").isdigit()]
    if sequences != list(range(1, len(sequences) + 1)):
        yield f"the pod's sequences are {sequences}"
    serving = [found.text for found in root.iterfind(".//v:AdServingId", of)]
    if len(set(serving)) < len(serving):
        yield "two ads have the same AdServingId"
    if any(not found.get("offset") for found in root.iterfind(".//v:Tracking[@event='progress']", of)):
        yield "progress needs an offset"
    for media in root.iterfind(".//v:MediaFile", of):
        if ("minBitrate" in media.attrib) != ("maxBitrate" in media.attrib) or {"bitrate", "minBitrate"} <= set(media.attrib):
            yield "a MediaFile gives either a bitrate or both of its bounds"
    for files in root.iterfind(".//v:MediaFiles", of):
        delivered = [media.get("delivery") for media in files.findall("v:MediaFile", of)]
        if "streaming" not in delivered and len(delivered) < 3:
            yield "one adaptive file or three progressive ones are needed"
