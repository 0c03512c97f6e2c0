"""VAST documents against the rules of the published schema, whatever people put into names and addresses."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ads.formats import vast, xml
from tests.ads.formats.creatives import COMPANION, VERIFICATION, make_creative
from tests.ads.formats.vast_rules import NAMESPACE, problems

V = {"v": NAMESPACE}
ERROR = "https://ads.example/t/breakError/token"
FULL = vast.document([make_creative(0), make_creative(1, macros=True)], substitutes=[make_creative(2, verifications=(), icons=())])

# Names as advertisers and others who mean no good would write them.
HOSTILE = st.one_of(
    st.text(max_size=120),
    st.sampled_from(["]]>", "a]]>b]]>", "\"&<>'", "\x00\x0b\ufffe\ud800", "\r\n\t", "\U0001f697" * 60, "x" * 500, "<!--", "<![CDATA[", "&#0;"]),
)
ADDRESSES = st.builds(lambda path: f"https://brand.example/{path}", HOSTILE)


def parsed(document: str) -> Any:
    return etree.fromstring(document.encode())


def kept(text: str) -> str:
    """What XML can hold of a text."""
    return "".join(
        letter for letter in text if letter in "\t\n\r" or " " <= letter <= "\ud7ff" or "\ue000" <= letter <= "\ufffd" or letter > "\uffff"
    )


@pytest.mark.parametrize("version", vast.VERSIONS)
@pytest.mark.parametrize("length", [1, 5])
def test_a_pod_is_valid_and_numbered(version: str, length: int) -> None:
    document = vast.document([make_creative(slot) for slot in range(length)], version=version, error_url=ERROR)
    assert problems(document) == []
    assert [ad.get("sequence") for ad in parsed(document)] == [str(place) for place in range(1, length + 1)]


def test_substitutes_stand_without_a_sequence_behind_the_pod() -> None:
    assert problems(FULL) == []
    assert [ad.get("sequence") for ad in parsed(FULL)] == ["1", "2", None]


def test_no_ad_is_the_error_alone() -> None:
    document = vast.document([], error_url=ERROR)
    assert problems(document) == []
    (error,) = parsed(document)
    assert (etree.QName(error).localname, error.text) == ("Error", f"{ERROR}?code=303")


def test_a_version_that_is_not_written_here_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"ask for 4\.2 or 4\.3"):
        vast.document([], version="3.0")


def test_an_ad_that_may_not_be_skipped_has_neither_offset_nor_event() -> None:
    root = parsed(vast.document([make_creative(skip_after=None)]))
    assert root.find(".//v:Linear", V).get("skipoffset") is None
    assert root.find(".//v:Tracking[@event='skip']", V) is None
    # Nor one that is over before.
    assert parsed(vast.document([make_creative(skip_after=12.0)])).find(".//v:Linear", V).get("skipoffset") is None


def test_what_is_told_of_an_ad() -> None:
    root = parsed(FULL)
    told = {name: root.findtext(f"v:Ad/v:InLine/v:{name}", namespaces=V) for name in ("AdTitle", "Advertiser", "Category", "Description", "Pricing")}
    assert told == {
        "AdTitle": "Volt E", "Advertiser": "Volt Motors", "Category": "IAB2", "Description": "The quiet way to work", "Pricing": "21.5",
    }  # fmt: skip
    assert root.find(".//v:Linear", V).get("skipoffset") == "00:00:05.000"
    assert root.findtext(".//v:Duration", namespaces=V) == "00:00:12.000"
    media = root.find(".//v:MediaFile", V)
    assert (media.get("delivery"), media.get("type"), media.get("minBitrate"), media.get("maxBitrate")) == ("streaming", vast.HLS, "240", "410")
    assert root.find(".//v:UniversalAdId", V).get("idRegistry") == "ad-id.org"


def test_macros_are_in_our_addresses_only_when_they_are_asked_for() -> None:
    asked, unasked = (parsed(vast.document([make_creative(macros=macros, verifications=())])) for macros in (True, False))
    assert "[ERRORCODE]" in asked.findtext(".//v:Error", namespaces=V)
    # Then every address is one for the strictest validators too: libxml2 takes anyURI for RFC 3986, which knows no square brackets.
    kind = etree.XMLSchema(etree.XML('<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema"><s:element name="a" type="s:anyURI"/></s:schema>'))
    addresses = [text for text in unasked.itertext() if "://" in text]
    assert len(addresses) > 30
    assert all(kind.validate(etree.XML(xml.element("a", xml.text(address)))) for address in addresses)


def test_the_macros_of_others_are_left_for_the_player() -> None:
    not_executed = parsed(FULL).findall(".//v:Tracking[@event='verificationNotExecuted']", V)
    assert not_executed[1].text == VERIFICATION.not_executed


@given(name=HOSTILE, advertiser=HOSTILE, headline=HOSTILE, ad_id=HOSTILE, address=ADDRESSES, parameters=HOSTILE)
def test_names_and_addresses_of_any_kind_come_through_as_they_are(
    name: str, advertiser: str, headline: str, ad_id: str, address: str, parameters: str
) -> None:
    creative = make_creative(name=name, advertiser_name=advertiser, headline=headline, universal_ad_id=ad_id)
    companion = COMPANION.__class__(7, address, "image/png", 300, 250, address, name, name)
    verification = VERIFICATION.__class__(3, name, address, "omid", True, parameters, address)
    creative = creative.__class__(**{
        **{field: getattr(creative, field) for field in creative.__slots__}, "companions": (companion,), "verifications": (verification,),
    })  # fmt: skip
    document = vast.document([creative])
    assert problems(document) == []
    root = parsed(document)
    assert root.findtext(".//v:AdTitle", namespaces=V) == kept(name)
    assert root.findtext(".//v:Advertiser", namespaces=V) == kept(advertiser)
    assert root.findtext(".//v:UniversalAdId", namespaces=V) == kept(ad_id)
    assert (root.findtext(".//v:VerificationParameters", namespaces=V) or "") == kept(parameters)
    assert unquote(root.findtext(".//v:CompanionClickThrough", namespaces=V)) == unquote(kept(address).strip())


@given(HOSTILE, HOSTILE)
def test_text_attributes_and_character_data_read_back_as_written(text: str, attribute: str) -> None:
    root = etree.fromstring(xml.element("a", xml.text(text), xml.element("b", xml.cdata(text)), c=attribute).encode())
    assert ((root.text or ""), (root[0].text or ""), root.get("c")) == (kept(text), kept(text), kept(attribute))


def _each(document: str, change: Callable[[Any], bool]) -> list[list[str]]:
    """The problems found when ``change`` was made to one element after the other; those it left alone are left out."""
    total = sum(1 for _ in parsed(document).iter("{*}*"))
    found = []
    for place in range(total):
        root = parsed(document)
        if change(list(root.iter("{*}*"))[place]):
            found.append(problems(etree.tostring(root)))
    return found


def _in_extension(node: Any) -> bool:
    return any(etree.QName(above).localname == "Extension" for above in node.iterancestors())


def test_the_check_finds_every_renamed_element() -> None:
    def rename(node: Any) -> bool:
        node.tag = f"{node.tag}s"
        return not _in_extension(node)

    found = _each(FULL, rename)
    assert len(found) > 100
    assert all(found)


def test_the_check_finds_every_change_of_order() -> None:
    def turn(node: Any) -> bool:
        names = [child.tag for child in node]
        if len(set(names)) < 2 or _in_extension(node) or etree.QName(node).localname in ("Creative", "Extension"):
            return False
        node[:] = list(reversed(node))
        return True

    found = _each(FULL, turn)
    assert len(found) > 10
    assert all(found)


@pytest.mark.parametrize(
    "name", ["AdSystem", "AdTitle", "AdServingId", "Impression", "Creatives", "UniversalAdId", "Duration", "MediaFiles", "MediaFile", "InLine"]
)
def test_the_check_misses_no_required_element(name: str) -> None:
    root = parsed(FULL)
    gone = root.find(f".//v:{name}", V)
    gone.getparent().remove(gone)
    assert problems(etree.tostring(root))


@pytest.mark.parametrize(
    ("path", "attribute", "wrong"),
    [
        (".", "version", "3.0"),
        (".//v:UniversalAdId", "idRegistry", None),
        (".//v:MediaFile", "delivery", "download"),
        (".//v:MediaFile", "type", None),
        (".//v:MediaFile", "width", "wide"),
        (".//v:MediaFile", "maxBitrate", None),
        (".//v:Pricing", "model", "CPCV"),
        (".//v:Pricing", "currency", "Euro"),
        (".//v:Category", "authority", None),
        (".//v:Linear/v:TrackingEvents/v:Tracking", "event", "notUsed"),
        (".//v:Tracking[@event='progress']", "offset", None),
        (".//v:Linear", "skipoffset", "5s"),
        (".//v:StaticResource", "creativeType", None),
        (".//v:Icon", "xPosition", "middle"),
        (".//v:CompanionClickTracking", "id", None),
        (".//v:CompanionAds", "required", "some"),
        (".//v:Ad", "sequence", "2"),
    ],
)
def test_the_check_reads_attributes(path: str, attribute: str, wrong: str | None) -> None:
    root = copy.deepcopy(parsed(FULL))
    node = root.find(path, V)
    if wrong is None:
        del node.attrib[attribute]
    else:
        node.set(attribute, wrong)
    assert problems(etree.tostring(root))
