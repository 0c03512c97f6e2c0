"""A video over the API: what goes in, how far it is, and what is refused before it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from ads.creatives import process
from ads.models import Ad, CreativeFile

from ..inventory import make_ad

pytestmark = pytest.mark.django_db
TERMS = {"name": "Spot", "category": "travel", "click_through": "https://brand.example/"}


@pytest.fixture
def client() -> Client:
    signed_in = Client()
    signed_in.force_login(User.objects.create_superuser("lead"))
    return signed_in


def test_a_video_and_its_terms_make_an_ad_whose_state_is_told_until_it_is_ready(client: Client, spot: Path) -> None:
    sent = {"file": SimpleUploadedFile("spot.mp4", spot.read_bytes()), "flight": make_ad().flight_id, **TERMS}
    answer = client.post("/api/v1/creatives", sent)
    assert answer.status_code == 201, answer.json()
    creative = answer.json()
    assert (creative["state"], creative["progress"], creative["reason"]) == ("uploaded", 0, "")
    assert process.process(creative["id"]) == "ready"
    told = client.get(f"/api/v1/creatives/{creative['id']}").json()
    assert (told["state"], told["progress"], told["facts"]["video_codec"]) == ("ready", 1, "h264")
    ad = Ad.objects.get(pk=told["ads"][0])
    assert (ad.name, ad.review, ad.asset_id) == ("Spot", "in_review", told["asset"])
    assert client.post(f"/api/v1/ads/{ad.pk}/reject", {}, content_type="application/json").json()["errors"]["note"]
    rejected = client.post(f"/api/v1/ads/{ad.pk}/reject", {"note": "The logo is old"}, content_type="application/json").json()
    assert (rejected["review"], rejected["review_note"]) == ("rejected", "The logo is old")

    again = client.post("/api/v1/creatives", {"file": SimpleUploadedFile("copy.mp4", spot.read_bytes()), "ad": ad.pk}).json()
    assert again["also_used_by"] == []
    ad.refresh_from_db()
    assert (ad.review, ad.review_note, ad.asset_id) == ("uploaded", "", again["asset"])
    alone = client.post(
        "/api/v1/creatives", spot.read_bytes(), content_type="video/mp4", headers={"Content-Disposition": "attachment; filename=a.mp4"}
    )
    assert (alone.status_code, alone.json()["ads"]) == (201, [])
    assert alone.json()["also_used_by"] == [f"Spot in {ad.flight} (uploaded)"]


def test_what_is_wrong_is_told_by_field_and_nothing_is_kept(client: Client, settings: object, tmp_path: Path) -> None:
    settings.ORIGINALS_DIR = tmp_path  # type: ignore[attr-defined]
    settings.CREATIVE_MOST_BYTES = 1000  # type: ignore[attr-defined]

    def problems(**fields: object) -> dict[str, list[str]]:
        answer = client.post("/api/v1/creatives", fields)
        assert answer["Content-Type"] == "application/problem+json"
        return dict(answer.json()["errors"])

    small = b"\0\0\0\x18ftypisom"
    assert problems(flight=1)["file"]
    assert problems(file=SimpleUploadedFile("a.mp4", small), ad=1, name="x")["ad"] == [
        "An ad that is there keeps its terms; leave out name, or leave out ad."
    ]
    bad = problems(file=SimpleUploadedFile("a.mp4", small), flight=make_ad().flight_id, **(TERMS | {"category": "spaceships"}))
    assert "spaceships" in bad["category"][0]
    taken = Ad.objects.all()[0]
    bad = problems(file=SimpleUploadedFile("a.mp4", small), flight=taken.flight_id, **TERMS, universal_ad_id=taken.universal_ad_id)
    assert f"is the id of the ad {taken.name}" in bad["universal_ad_id"][0]
    large = client.post("/api/v1/creatives", {"file": SimpleUploadedFile("a.mp4", small * 100)})
    assert large.status_code == 413
    assert "is the most" in large.json()["detail"]
    assert list(tmp_path.iterdir()) == []
    assert not CreativeFile.objects.exists()


def test_a_video_sent_twice_with_one_key_is_kept_once(client: Client, spot: Path, settings: object) -> None:
    # Far more than a body that is read into memory may have.
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000  # type: ignore[attr-defined]

    def send(key: str, content: bytes = spot.read_bytes()) -> tuple[int, dict[str, object]]:
        headers = {"Content-Disposition": "attachment; filename=a.mp4", "Idempotency-Key": key}
        answer = client.post("/api/v1/creatives", content, content_type="video/mp4", headers=headers)
        return answer.status_code, answer.json()

    first, again, other = send("one"), send("one"), send("two")
    assert first[0] == 201
    assert again == first
    assert other[1]["id"] != first[1]["id"]
    assert CreativeFile.objects.count() == 2
    assert send("one", spot.read_bytes() + b"more")[0] == 422
