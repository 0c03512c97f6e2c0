"""The rules of VMAP 1.0.1 for what we write: elements, their order, attributes and forms, and the VAST inside by its own rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from tests.ads.formats import vast_rules

NAMESPACE = "http://www.iab.net/videosuite/vmap"
V = f"{{{NAMESPACE}}}"
# Section 2.3.1: a time, a share, a place in the order of breaks, or one of the two ends.
TIME_OFFSET = re.compile(r"start|end|\d{2}:[0-5]\d:[0-5]\d(\.\d{3})?|(100|\d{1,2})(\.\d+)?%|#[1-9]\d*")
BREAK_TYPES = {"linear", "nonlinear", "display"}
EVENTS = {"breakStart", "breakEnd", "error"}
FLAGS = {"true", "false"}


def problems(document: str | bytes) -> list[str]:
    """Every breach; empty for a valid document. Raises XMLSyntaxError when it is no XML."""
    root = etree.fromstring(document.encode() if isinstance(document, str) else document)
    if root.tag != f"{V}VMAP" or root.prefix != "vmap":
        return [f"the root is {root.prefix}:{root.tag}"]
    return [*_attributes(root, {"version": {"1.0"}}), *(found for one in root for found in _break(one)), *_ids(root)]


def _ids(root: Any) -> Iterator[str]:
    named = [one.get("breakId") for one in root]
    if len(set(named)) < len(named):
        yield f"breaks share an id: {named}"


def _break(one: Any) -> Iterator[str]:
    if one.tag != f"{V}AdBreak":
        yield f"{one.tag} may not stand there"
        return
    yield from _attributes(one, {"timeOffset": TIME_OFFSET, "breakType": BREAK_TYPES, "breakId": None})
    names = [etree.QName(child).localname for child in one]
    if names not in (["AdSource"], ["AdSource", "TrackingEvents"]):
        yield f"a break holds {names}"
        return
    yield from _source(one[0])
    for told in one[1] if len(one) > 1 else ():
        yield from _attributes(told, {"event": EVENTS})
        yield from _address(told)


def _source(source: Any) -> Iterator[str]:
    yield from _attributes(source, {"id": None, "allowMultipleAds": FLAGS, "followRedirects": FLAGS})
    if len(source) != 1:
        yield f"a source holds {len(source)} kinds of ads"
    elif source[0].tag == f"{V}AdTagURI":
        yield from _attributes(source[0], {"templateType": {"vast1", "vast2", "vast3", "vast4", "proprietary"}})
        yield from _address(source[0])
    elif source[0].tag == f"{V}VASTAdData" and len(source[0]) == 1:
        yield from vast_rules.breaches(source[0][0])
    else:
        yield f"a source holds {source[0].tag}"


def _attributes(node: Any, known: dict[str, Any]) -> Iterator[str]:
    if set(node.attrib) != set(known):
        yield f"{node.tag} has {sorted(node.attrib)} instead of {sorted(known)}"
    for name, form in known.items():
        value = node.get(name, "")
        right = bool(value) if form is None else value in form if isinstance(form, set) else bool(form.fullmatch(value))
        if not right:
            yield f"{node.tag}: {name}={value!r}"


def _address(node: Any) -> Iterator[str]:
    if not vast_rules.FORMS["uri"].fullmatch((node.text or "").strip()):
        yield f"{node.tag}: {(node.text or '')[:80]!r} is no address"
