"""Creatives as the formats are given them, without a database."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from ads.formats.creative import CompanionAd, Creative, Icon, Media, Verification
from ads.formats.tracking import tracking
from ads.serving import ServedAd

BASE = "https://ads.example"
DECISION = uuid.UUID("01938f5e-8f00-7000-8000-000000000001")
COMPANION = CompanionAd(
    number=7, url=f"{BASE}/media/pictures/a.png", mime="image/png", width=300, height=250, click_through="https://brand.example/", alt_text="Volt E",
    slot="sidebar",
)  # fmt: skip
ICON = Icon(
    number=9, program="AdChoices", url=f"{BASE}/media/pictures/i.png", mime="image/png", width=20, height=20, x_position="right", y_position="top",
    starts=0.0, lasts=5.0, click_through="https://choices.example/", alt_text="AdChoices",
)  # fmt: skip
VERIFICATION = Verification(
    number=3, vendor="measure.example-omid", script="https://measure.example/omid.js", api_framework="omid", browser_optional=True,
    parameters='{"k":"]]>"}', not_executed="https://measure.example/not?r=[REASON]",
)  # fmt: skip


def make_creative(slot: int = 0, *, macros: bool = False, **changes: Any) -> Creative:
    """A creative with everything that there may be; ``changes`` are fields of it or of what was served."""
    served = ServedAd(
        slot=slot, ad=11 + slot, name="Volt E", flight=5, campaign=4, campaign_name="Launch", advertiser_name="Volt Motors", asset=70 + slot,
        duration=12.0, skip_after=5.0, click_through="https://volt-motors.example/", token=f"token-{slot}", price_micros=21_500, pctr=0.01,
        headline="The quiet way to work",
    )  # fmt: skip
    served = replace(served, **{name: changes.pop(name) for name in list(changes) if hasattr(served, name)})
    creative = Creative(
        served=served,
        decision=DECISION,
        serving_id=str(uuid.uuid5(DECISION, str(slot))),
        universal_ad_id=f"INTM{slot:08}",
        registry="ad-id.org",
        category="automotive",
        advertiser_domain="https://volt-motors.example/",
        media=Media(
            f"{BASE}/media/clips/x/index.m3u8",
            f"{BASE}/media/clips/x/whole.mp4",
            640,
            360,
            "avc1.4D401F,mp4a.40.2",
            240,
            410,
            f"{BASE}/media/clips/x/captions.vtt",
        ),
        tracking=tracking(served.token, BASE, macros=macros),
        companions=(COMPANION,),
        icons=(ICON,),
        verifications=(VERIFICATION,),
    )
    return replace(creative, **changes)
