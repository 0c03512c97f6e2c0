"""VAST 4.2: what a break was filled with, as standard players read it. Pure: creatives in, a document out.

Elements stand in the order of the published schema, which is not the order of the specification's text. 4.3 changed no element of 4.2, so
that the version is the only difference. `notUsed` is in the text and in no schema: it stands in an extension.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from . import categories, xml
from .creative import CompanionAd, Creative, Icon, Verification
from .tracking import with_query
from .xml import Markup, cdata, element, fragment, text, uri

VERSIONS = ("4.2", "4.3")
NAMESPACE = "http://www.iab.com/VAST"
CONTENT_TYPE = "application/xml; charset=utf-8"
SYSTEM, SYSTEM_VERSION = "Intermission", "1.0"
HLS, MP4 = "application/x-mpegURL", "video/mp4"
MICROS = 1_000_000
# Section 2.3.6.3: no ad came back.
NO_AD = 303

# Of `TrackingEvents` of a linear creative, in the order of section 3.14.1, as the schema allows them.
LINEAR_EVENTS = (
    "loaded", "start", "firstQuartile", "midpoint", "thirdQuartile", "complete", "mute", "unmute", "pause", "resume", "rewind", "skip",
    "playerExpand", "playerCollapse", "closeLinear", "otherAdInteraction",
)  # fmt: skip
# Seconds into an ad at which `progress` is told, where the ad is longer.
PROGRESS_SECONDS = (3, 10, 15, 30, 60)


def document(
    creatives: Sequence[Creative], *, substitutes: Sequence[Creative] = (), version: str = "4.2", error_url: str = "", currency: str = "USD"
) -> str:
    """A pod of ``creatives`` in playing order, then the buffet of ``substitutes`` without a sequence; no ad at all is the error alone.

    Raises ValueError for a version that we do not write.
    """
    if version not in VERSIONS:
        raise ValueError(f"version {version} is not written here; ask for {' or '.join(VERSIONS)}")
    attributes = {"version": version, "xmlns": NAMESPACE}
    ads = [_ad(creative, sequence, currency) for sequence, creative in enumerate(creatives, 1)]
    ads += [_ad(creative, None, currency) for creative in substitutes]
    if not ads:
        # Why there is no ad is known already, so that the code needs no macro.
        error = element("Error", uri(with_query(error_url, code=NO_AD))) if error_url else None
        return xml.document(element("VAST", error, **attributes))
    return xml.document(element("VAST", *ads, **attributes))


def clock(seconds: float) -> str:
    """``HH:MM:SS.mmm``."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


def _ad(creative: Creative, sequence: int | None, currency: str) -> Markup:
    # Of this showing, not of the ad: shaka-player leaves out what has the id of an ad of an earlier break.
    return element("Ad", element("InLine", *_inline(creative, currency)), id=creative.serving_id, sequence=sequence, adType="video")


def _inline(creative: Creative, currency: str) -> Iterator[Markup | None]:
    served = creative.served
    yield element("AdSystem", text(SYSTEM), version=SYSTEM_VERSION)
    yield element("Error", uri(creative.tracking["error"]))
    yield element("Extensions", _not_used(creative))
    yield element("Impression", uri(creative.tracking["impression"]), id=creative.serving_id)
    yield element("Pricing", cdata(_price(served.price_micros)), model="CPM", currency=currency)
    yield _viewable(creative)
    yield element("AdServingId", text(creative.serving_id))
    yield element("AdTitle", text(served.name))
    yield (element("AdVerifications", *(_verification(creative, one) for one in creative.verifications)) if (creative.verifications) else None)
    yield element("Advertiser", text(served.advertiser_name))
    category = categories.iab_category(creative.category)
    yield element("Category", text(category), authority=categories.AUTHORITY) if category else None
    yield element("Creatives", _linear_creative(creative), _companion_creative(creative))
    yield element("Description", text(served.headline)) if served.headline else None
    yield element("Expires", text(str(EXPIRES_SECONDS)))


# Of a request ahead of time. The hold is shorter, but an impression that comes later takes a new one while the flight has something left.
EXPIRES_SECONDS = 3600


def _price(micros: int) -> str:
    """Of 1,000 impressions, exactly."""
    return f"{Decimal(micros * 1000) / MICROS:f}"


def _not_used(creative: Creative) -> Markup:
    tracking = element("Tracking", uri(creative.tracking["notUsed"]), event="notUsed")
    return element("Extension", element("TrackingEvents", tracking), type="notUsed")


def _viewable(creative: Creative) -> Markup:
    told = creative.tracking
    return element(
        "ViewableImpression",
        element("Viewable", uri(told["viewable"])),
        element("NotViewable", uri(told["notViewable"])),
        element("ViewUndetermined", uri(told["viewUndetermined"])),
        id=creative.serving_id,
    )


def _verification(creative: Creative, one: Verification) -> Markup:
    ours = with_query(creative.tracking["verificationNotExecuted"], seq=one.number)
    told = [ours, one.not_executed] if one.not_executed else [ours]
    return element(
        "Verification",
        element("JavaScriptResource", uri(one.script), apiFramework=one.api_framework, browserOptional="true" if one.browser_optional else "false"),
        element("TrackingEvents", *(element("Tracking", uri(url), event="verificationNotExecuted") for url in told)),
        element("VerificationParameters", cdata(one.parameters)) if one.parameters else None,
        vendor=one.vendor,
    )


def _universal_ad_id(creative: Creative) -> Markup:
    return element("UniversalAdId", text(creative.universal_ad_id), idRegistry=creative.registry)


def _linear_creative(creative: Creative) -> Markup:
    after = creative.skip_after
    linear = element("Linear", *_linear(creative), skipoffset=None if after is None else clock(after))
    return element("Creative", _universal_ad_id(creative), linear, id=str(creative.ad), sequence=1, adId=creative.universal_ad_id)


def _linear(creative: Creative) -> Iterator[Markup | None]:
    yield element("Icons", *(_icon(creative, one) for one in creative.icons)) if creative.icons else None
    yield element("TrackingEvents", *_tracking(creative))
    yield element("Duration", text(clock(creative.duration)))
    yield element("MediaFiles", _captions(creative), _media_file(creative), _whole_file(creative))
    yield element(
        "VideoClicks",
        element("ClickTracking", uri(creative.tracking["clickTracking"]), id=creative.serving_id),
        element("ClickThrough", uri(creative.tracking["click"]), id=creative.serving_id),
    )


def _tracking(creative: Creative) -> Iterator[Markup]:
    for event in LINEAR_EVENTS:
        if event != "skip" or creative.skip_after is not None:
            yield element("Tracking", uri(creative.tracking[event]), event=event)
    for seconds in PROGRESS_SECONDS:
        if seconds < creative.duration:
            yield element("Tracking", uri(with_query(creative.tracking["progress"], seq=seconds)), event="progress", offset=clock(seconds))


def _captions(creative: Creative) -> Markup | None:
    if not creative.media.captions:
        return None
    return element("ClosedCaptionFiles", element("ClosedCaptionFile", uri(creative.media.captions), type="text/vtt", language="en"))


def _media_file(creative: Creative) -> Markup:
    media = creative.media
    known = media.most_kbps > 0
    return element(
        "MediaFile",
        uri(media.url),
        id=str(creative.served.asset),
        delivery="streaming",
        type=HLS,
        width=media.width,
        height=media.height,
        codec=media.codec,
        minBitrate=media.least_kbps if known else None,
        maxBitrate=media.most_kbps if known else None,
        scalable="true",
        maintainAspectRatio="true",
    )


def _whole_file(creative: Creative) -> Markup:
    """For players that take no HLS."""
    media = creative.media
    return element(
        "MediaFile",
        uri(media.whole),
        id=f"{creative.served.asset}-mp4",
        delivery="progressive",
        type=MP4,
        width=media.width,
        height=media.height,
        codec=media.codec,
        bitrate=media.most_kbps or None,
        scalable="true",
        maintainAspectRatio="true",
    )


def _icon(creative: Creative, one: Icon) -> Markup:
    clicks = element(
        "IconClicks",
        element("IconClickThrough", uri(one.click_through)),
        element("IconClickTracking", uri(with_query(creative.tracking["iconClick"], seq=one.number)), id=str(one.number)),
    )
    return element(
        "Icon",
        element("StaticResource", uri(one.url), creativeType=one.mime),
        clicks if one.click_through else None,
        element("IconViewTracking", uri(with_query(creative.tracking["iconView"], seq=one.number))),
        program=one.program,
        width=one.width,
        height=one.height,
        xPosition=one.x_position,
        yPosition=one.y_position,
        duration=clock(min(one.lasts or creative.duration, creative.duration - one.starts)) if one.starts < creative.duration else None,
        offset=clock(one.starts),
    )


def _companion_creative(creative: Creative) -> Markup | None:
    if not creative.companions:
        return None
    companions = [_companion(creative, one) for one in creative.companions]
    return element(
        "Creative", _universal_ad_id(creative), element("CompanionAds", *companions, required="none"), id=f"{creative.ad}-companions", sequence=1
    )


def _companion(creative: Creative, one: CompanionAd) -> Markup:
    return element(
        "Companion",
        fragment(
            element("StaticResource", uri(one.url), creativeType=one.mime),
            element("AltText", text(one.alt_text)) if one.alt_text else None,
            element("CompanionClickThrough", uri(one.click_through)) if one.click_through else None,
            element("CompanionClickTracking", uri(with_query(creative.tracking["companionClick"], seq=one.number)), id=str(one.number)),
            element("TrackingEvents", element("Tracking", uri(with_query(creative.tracking["companionView"], seq=one.number)), event="creativeView")),
        ),
        id=str(one.number),
        width=one.width,
        height=one.height,
        assetWidth=one.width,
        assetHeight=one.height,
        adSlotId=one.slot or None,
        renderingMode="default",
    )
