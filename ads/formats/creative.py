"""All that a standard document tells of the ads of a break: what was served, and what is kept of each ad beside the decision."""

from __future__ import annotations

import mimetypes
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch

from ads.models import Ad, AdIcon, AdVerification, Companion
from ads.serving import ServedAd, ServedBreak
from catalog import hls
from catalog.media.packaging import PLAYLIST
from catalog.media.whole import whole_path
from catalog.models import MediaAsset
from catalog.selectors import captions_url, media_url

from .tracking import tracking

# Of an id that several parties may log: the same for the same decision and slot, in a space of its own.
SERVINGS = uuid.UUID("a3f0c4ee-2c44-5f0d-8d2b-6f1f0c2b7c55")


@dataclass(frozen=True, slots=True)
class Media:
    """An HLS playlist of one rendition, and the ``whole`` clip as one MP4. Bit rates in kbit/s, of its thinnest and its densest segment."""

    url: str
    whole: str
    width: int
    height: int
    codec: str
    least_kbps: int
    most_kbps: int
    captions: str


@dataclass(frozen=True, slots=True)
class CompanionAd:
    number: int
    url: str
    mime: str
    width: int
    height: int
    click_through: str
    alt_text: str
    slot: str


@dataclass(frozen=True, slots=True)
class Icon:
    """``starts`` and ``lasts`` in seconds of the ad; ``lasts`` None: to its end."""

    number: int
    program: str
    url: str
    mime: str
    width: int
    height: int
    x_position: str
    y_position: str
    starts: float
    lasts: float | None
    click_through: str
    alt_text: str


@dataclass(frozen=True, slots=True)
class Verification:
    number: int
    vendor: str
    script: str
    api_framework: str
    browser_optional: bool
    parameters: str
    not_executed: str


@dataclass(frozen=True, slots=True)
class Creative:
    """One ad of a break, with every address absolute. ``serving_id`` is the same whenever this ad of this break is told of.

    ``tracking`` is that of `formats.tracking.tracking`; ``duration`` and ``skip_after`` in seconds, ``price_micros`` for one impression.
    """

    served: ServedAd
    decision: uuid.UUID
    serving_id: str
    universal_ad_id: str
    registry: str
    category: str
    advertiser_domain: str
    media: Media
    tracking: dict[str, str]
    companions: tuple[CompanionAd, ...] = ()
    icons: tuple[Icon, ...] = ()
    verifications: tuple[Verification, ...] = ()

    @property
    def ad(self) -> int:
        return self.served.ad

    @property
    def slot(self) -> int:
        return self.served.slot

    @property
    def duration(self) -> float:
        return self.served.duration

    @property
    def skip_after(self) -> float | None:
        """None where the ad may not be skipped, or is over before it could be."""
        after = self.served.skip_after
        return after if after is not None and after < self.served.duration else None


def creatives(served: ServedBreak, *, base: str, macros: bool = False) -> tuple[Creative, ...]:
    """The ads of a break in playing order, four queries however many there are. ``base`` is ``https://host``;
    ``macros`` as in `formats.tracking`.

    An ad whose clip is not there any more is left out: no player could show it, and its hold ends by itself.
    """
    rows = _rows({ad.ad for ad in served.ads})
    return tuple(_creative(served, ad, rows[ad.ad], base, macros=macros) for ad in served.ads if ad.ad in rows and rows[ad.ad].asset.path)


def _rows(ads: Iterable[int]) -> dict[int, Ad]:
    beside = [Prefetch(name, kind.objects.order_by(*order)) for name, kind, order in _BESIDE]
    return {row.pk: row for row in Ad.objects.filter(pk__in=ads).select_related("asset", "flight__campaign__advertiser").prefetch_related(*beside)}


_BESIDE: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("companions", Companion, ("-width", "pk")),
    ("icons", AdIcon, ("pk",)),
    ("verifications", AdVerification, ("vendor",)),
)


def _creative(served: ServedBreak, ad: ServedAd, row: Ad, base: str, *, macros: bool) -> Creative:
    return Creative(
        served=ad,
        decision=served.decision,
        serving_id=str(uuid.uuid5(SERVINGS, f"{served.decision}:{ad.slot}:{ad.ad}")),
        universal_ad_id=row.universal_ad_id,
        registry=row.ad_id_registry or "unknown",
        category=row.category,
        advertiser_domain=row.flight.campaign.advertiser.website,
        media=_media(row.asset, base),
        tracking=tracking(ad.token, base, macros=macros),
        companions=tuple(_companion(one, ad, base) for one in row.companions.all()),
        icons=tuple(_icon(one, base) for one in row.icons.all()),
        verifications=tuple(_verification(one) for one in row.verifications.all()),
    )


def _media(asset: MediaAsset, base: str) -> Media:
    rates = [size * 8 / 1000 / segment["duration"] for segment in asset.segments if (size := _bytes(asset, segment)) and segment["duration"] > 0]
    return Media(
        url=base + media_url(f"{asset.path}/{PLAYLIST}"),
        whole=base + media_url(whole_path(asset.path)),
        width=asset.width,
        height=asset.height,
        codec=hls.CODECS,
        least_kbps=round(min(rates, default=0)),
        most_kbps=round(max(rates, default=0)),
        captions=base + captions_url(asset) if asset.captions.strip() else "",
    )


def _bytes(asset: MediaAsset, segment: dict[str, Any]) -> int:
    return int(asset.files.get(segment["uri"], {}).get("size", 0))


def _companion(row: Companion, ad: ServedAd, base: str) -> CompanionAd:
    return CompanionAd(
        number=row.pk,
        url=_picture(row.picture.url, base),
        mime=_mime(row.picture.name or ""),
        width=row.width,
        height=row.height,
        click_through=row.click_through or ad.click_through,
        alt_text=row.alt_text,
        slot=row.slot,
    )


def _icon(row: AdIcon, base: str) -> Icon:
    return Icon(
        number=row.pk,
        program=row.program,
        url=_picture(row.picture.url, base),
        mime=_mime(row.picture.name or ""),
        width=row.width,
        height=row.height,
        x_position=row.x_position,
        y_position=row.y_position,
        starts=row.starts,
        lasts=row.lasts,
        click_through=row.click_through,
        alt_text=row.alt_text,
    )


def _verification(row: AdVerification) -> Verification:
    return Verification(
        number=row.pk,
        vendor=row.vendor,
        script=row.script,
        api_framework=row.api_framework,
        browser_optional=row.browser_optional,
        parameters=row.parameters,
        not_executed=row.not_executed,
    )


def _picture(url: str, base: str) -> str:
    """Pictures may be kept somewhere else than here."""
    return url if "://" in url else base + url


def _mime(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "image/png"
