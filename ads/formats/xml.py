"""Writing XML 1.0 that is well-formed whatever people put into names and addresses. Pure; no parser, no tree.

What XML cannot hold at all (control characters, halves of surrogate pairs) is left out: a document that no parser reads would cost the
whole break.
"""

from __future__ import annotations

import re
from urllib.parse import quote

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

# XML 1.0, section 2.2: everything outside of Char.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# As well-formed markup would end or change it; the last three because a parser would turn them into spaces or newlines.
_IN_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_IN_ATTRIBUTE = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"})
# RFC 3986: reserved and unreserved characters, and the per cent sign of what is encoded already; but square brackets only where they
# hold the name of a macro, or a host of IPv6.
_IN_ADDRESS = "%:/?#@!$&'()*+,;=-._~"
_BRACKETS = re.compile(r"(\[[A-Z][A-Z_]{1,39}\]|(?<=://)\[[0-9A-Fa-f:.]+\])")
_STRAY = re.compile("%(?![0-9A-Fa-f]{2})")


class Markup(str):
    """Text that is XML already."""

    __slots__ = ()


def element(name: str, *content: Markup | None, **attributes: str | int | None) -> Markup:
    """``<name attribute="...">content</name>``; content and attributes that are None are left out.

    Names with a colon are given by ``**{"xmlns:vmap": ...}``.
    """
    told = "".join(f' {key}="{_attribute(str(value))}"' for key, value in attributes.items() if value is not None)
    inner = "".join(part for part in content if part is not None)
    return Markup(f"<{name}{told}>{inner}</{name}>" if inner else f"<{name}{told}/>")


def text(value: str) -> Markup:
    return Markup(_writable(value).translate(_IN_TEXT))


def cdata(value: str) -> Markup:
    """A CDATA section, split where the value would end it (VAST 4.2 section 2.3.3), so that nothing inside becomes markup."""
    safe = _writable(value).replace("]]>", "]]]]><![CDATA[>").replace("\r", "]]>&#13;<![CDATA[")
    return Markup(f"<![CDATA[{safe}]]>")


def uri(value: str) -> Markup:
    """An address in CDATA, with all that RFC 3986 does not allow percent-encoded; ``[MACROS]`` stay as they are."""
    return cdata(address(value))


def address(value: str) -> str:
    """The address with what RFC 3986 does not allow percent-encoded."""
    parts = _BRACKETS.split(_STRAY.sub("%25", _writable(value).strip()))
    before, mark, after = "".join(part if place % 2 else quote(part, safe=_IN_ADDRESS) for place, part in enumerate(parts)).partition("#")
    return before + mark + after.replace("#", "%23")


def fragment(*parts: Markup | None) -> Markup:
    """Elements beside each other."""
    return Markup("".join(part for part in parts if part is not None))


def document(root: Markup) -> str:
    return DECLARATION + root + "\n"


def _writable(value: str) -> str:
    return _UNWRITABLE.sub("", value)


def _attribute(value: str) -> str:
    return _writable(value).translate(_IN_ATTRIBUTE)
