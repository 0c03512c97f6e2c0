"""Pictures beside a clip: drawn anew, served to every player, or refused with a sentence."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from lxml import etree
from PIL import Image

from ads.creatives.pictures import redrawn
from ads.models import Ad, Companion
from tests.ads.api.staff import superuser

from ..inventory import make_ad

NS = {"v": "http://www.iab.com/VAST"}
TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
SCRIPT = b"<script>alert(1)</script>"


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 250), behind: bytes = b"") -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, format=kind)
    return SimpleUploadedFile(f"banner.{kind.lower()}", out.getvalue() + behind)


@pytest.mark.parametrize("kind", list(TYPES))
def test_nothing_but_pixels_is_kept_of_a_picture(kind: str) -> None:
    kept = redrawn(picture(kind, behind=SCRIPT)).read()
    assert SCRIPT not in kept
    with Image.open(io.BytesIO(kept)) as opened:
        assert (opened.format, opened.size) == (kind, (300, 250))


def test_an_animation_keeps_its_frames() -> None:
    out, frames = io.BytesIO(), [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    frames[0].save(out, format="GIF", save_all=True, append_images=frames[1:], duration=200)
    with Image.open(io.BytesIO(redrawn(SimpleUploadedFile("a.gif", out.getvalue())).read())) as opened:
        assert (getattr(opened, "n_frames", 1), opened.info["duration"]) == (3, 200)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "SVG pictures can carry scripts"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><svg/>', "no picture that can be opened"),
        (b"<html>" + SCRIPT, "no picture that can be opened"),
        (b"GIF89a/*" + SCRIPT + b"*/=1;", "can be opened"),
        (picture().read()[:200], "damaged"),
        (picture(size=(2001, 10)).read(), "2001x10; 2000 pixels a side is the most"),
        (picture().read() + bytes(2 * 1024 * 1024), "2 MB is the most"),
    ],
    ids=["svg", "svg behind a mark", "html", "polyglot", "cut", "wide", "heavy"],
)
def test_what_is_no_picture_that_may_be_shown_is_refused_in_words(content: bytes, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        redrawn(SimpleUploadedFile("banner.png", content))


def test_a_picture_that_claims_a_giant_canvas_is_refused_before_it_is_unpacked() -> None:
    content = bytearray(picture(size=(10, 10)).read())
    content[16:24] = (60_000).to_bytes(4, "big") * 2
    with pytest.raises(ValidationError):
        redrawn(SimpleUploadedFile("banner.png", bytes(content)))


def form(ad: Ad, **changes: object) -> dict[str, object]:
    fields: dict[str, object] = {
        "flight": ad.flight_id, "name": ad.name, "category": ad.category, "headline": "", "click_through": ad.click_through, "skip_after": "",
        "universal_ad_id": ad.universal_ad_id, "ad_id_registry": ad.ad_id_registry, "asset": ad.asset_id,
    }  # fmt: skip
    for part in ("companions", "icons", "verifications"):
        fields |= {f"{part}-TOTAL_FORMS": "1", f"{part}-INITIAL_FORMS": "0", f"{part}-0-ad": ad.pk}
    fields |= {"companions-0-picture": picture("JPEG", behind=SCRIPT), "companions-0-alt_text": "A car", "companions-0-slot": "side"}
    fields |= {
        "icons-0-picture": picture("PNG", (20, 20)),
        "icons-0-program": "AdChoices",
        "icons-0-x_position": "right",
        "icons-0-y_position": "top",
    }
    fields |= {"icons-0-starts": "0", "verifications-0-vendor": "v.example-omid", "verifications-0-script": "https://v.example/omid.js"}
    return fields | {"verifications-0-api_framework": "omid"} | changes


@pytest.mark.django_db
def test_what_staff_put_beside_a_clip_reaches_players_and_what_is_refused_is_told(settings: object, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]
    now, client = datetime.now(UTC), superuser()
    ad = make_ad(starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1))
    page = f"/admin/ads/ad/{ad.pk}/change/"
    refused = client.post(page, form(ad, **{"companions-0-picture": SimpleUploadedFile("a.svg", b"<svg onload='alert(1)'/>")}))
    assert refused.status_code == 200
    assert "PNG, JPEG, GIF or WebP" in refused.content.decode()
    assert not Companion.objects.exists()

    saved = client.post(page, form(ad))
    assert saved.status_code == 302, [each.errors for each in saved.context["inline_admin_formsets"]]
    ad.refresh_from_db()
    assert (ad.companions.get().width, ad.companions.get().height) == (300, 250)

    root = etree.fromstring(Client().get("/api/v1/vast", {"session": str(uuid.uuid4()), "break": "b1", "duration": "30"}).content)
    (beside,) = root.findall(".//v:Companion", NS)
    assert (beside.get("width"), beside.get("height"), beside.get("adSlotId")) == ("300", "250", "side")
    assert root.find(".//v:Verification", NS).get("vendor") == "v.example-omid"
    for tag, kind in (("Companion", "image/jpeg"), ("Icon", "image/png")):
        address = root.find(f".//v:{tag}/v:StaticResource", NS).text.strip()
        answer = Client().get(address.removeprefix("http://testserver"), headers={"Origin": "https://player.example"})
        assert (answer.status_code, answer["Content-Type"], answer["Access-Control-Allow-Origin"]) == (200, kind, "*")
        assert SCRIPT not in answer.content
