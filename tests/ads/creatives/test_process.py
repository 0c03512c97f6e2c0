"""From an uploaded file to an ad in review, or to a named reason; whatever dies on the way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files import File
from django.utils import timezone

from ads import services
from ads.creatives import process
from ads.creatives import services as creatives
from ads.models import Ad, CreativeFile

from ..inventory import make_ad

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead() -> User:
    return User.objects.create_superuser("lead")


def upload(actor: User, path: Path, **fields: object) -> Ad:
    flight = make_ad().flight
    given = {"name": "Spot", "category": "travel", "click_through": "https://brand.example/"} | fields
    with path.open("rb") as file:
        return creatives.creative_upload(actor=actor, flight=flight, file=File(file), filename=path.name, **given)  # type: ignore[arg-type]


def file_of(ad: Ad) -> CreativeFile:
    ad.refresh_from_db()
    return CreativeFile.objects.get(asset=ad.asset_id)


def test_an_uploaded_video_waits_for_review_with_its_facts_and_is_then_approved(lead: User, spot: Path) -> None:
    ad = upload(lead, spot)
    assert ad.review == "uploaded"
    with pytest.raises(services.WrongState, match=r"spot\.mp4 is still being processed"):
        services.ad_approve(actor=lead, ad=ad)
    assert process.process(file_of(ad).pk) == "ready"
    file = file_of(ad)
    assert (ad.review, file.state, file.progress) == ("in_review", "ready", 1)
    assert ad.asset.duration == pytest.approx(2.0, abs=0.1)
    assert file.facts["width"] == 320
    assert file.facts["loudness_after_lufs"] == pytest.approx(-23, abs=1)
    services.ad_approve(actor=lead, ad=ad, note="Fine")
    ad.refresh_from_db()
    assert (ad.review, ad.review_note, ad.reviewed_by) == ("approved", "Fine", lead)
    assert [row.review for row in ad.history.all()] == ["approved", "in_review", "processing", "uploaded"]


def test_a_file_that_is_no_video_ends_in_a_reason_and_is_kept(lead: User, tmp_path: Path) -> None:
    note = tmp_path / "spot.mp4"
    note.write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    ad = upload(lead, note)
    assert process.process(file_of(ad).pk) == "refused"
    file = file_of(ad)
    assert (file.state, file.reason, ad.review) == ("refused", "unsupported_container", "rejected")
    assert "playlist" in file.problem
    assert Path(file.file.path).read_text() == note.read_text()
    assert ad.reviewed_by is None
    assert "Container not taken" in ad.review_note


def test_a_file_whose_worker_died_is_taken_up_again_three_times_and_then_told(lead: User, spot: Path) -> None:
    file, sent = file_of(upload(lead, spot)), list[int]()
    for _ in range(process.MOST_ATTEMPTS):
        assert process.claim(file.pk, now=timezone.now())
        assert process.claim(file.pk, now=timezone.now()) is None
        CreativeFile.objects.filter(pk=file.pk).update(heard_at=timezone.now() - timedelta(minutes=5))
        process.take_up(now=timezone.now(), send=sent.append)
    file.refresh_from_db()
    assert sent == [file.pk] * 2
    assert (file.state, file.reason) == ("refused", "worker_lost")
    creatives.creative_retry(actor=lead, creative=file)
    assert process.process(file.pk) == "ready"
    assert process.process(file.pk) == "taken"
