from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.test import AsyncClient

from catalog import selectors
from catalog.media.packaging import ffmpeg, run
from tests.media import Films

pytestmark = pytest.mark.django_db


@pytest.fixture
def segment(films: Films) -> str:
    return selectors.clip_of(films.ads["ad-test-1"]).segments[0][0]


def on_disk(url: str) -> Path:
    return Path(settings.MEDIA_ROOT) / url.removeprefix("/media/")


async def test_a_segment_is_served_for_ever_with_its_type_and_tag(async_client: AsyncClient, segment: str) -> None:
    answer = await async_client.get(segment)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "video/iso.segment"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["Accept-Ranges"] == "bytes"
    assert answer.content == on_disk(segment).read_bytes()
    again = await async_client.get(segment, headers={"if-none-match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(("suffix", "kind"), [("init.mp4", "video/mp4"), ("captions.vtt", "text/vtt; charset=utf-8"), ("still.jpg", "image/jpeg")])
async def test_each_file_has_its_own_type(async_client: AsyncClient, segment: str, suffix: str, kind: str) -> None:
    answer = await async_client.get(segment.rsplit("/", 1)[0] + "/" + suffix)
    assert (answer.status_code, answer["Content-Type"]) == (200, kind)


@pytest.mark.parametrize(
    ("wanted", "start", "end"), [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-50", -50, None), ("bytes=10-99999999", 10, None)]
)
async def test_a_range_is_answered_with_just_these_bytes(async_client: AsyncClient, segment: str, wanted: str, start: int, end: int | None) -> None:
    whole = on_disk(segment).read_bytes()
    answer = await async_client.get(segment, headers={"range": wanted})
    assert (answer.status_code, answer.content) == (206, whole[start:end])
    first = start if start >= 0 else len(whole) + start
    assert answer["Content-Range"] == f"bytes {first}-{(end or len(whole)) - 1}/{len(whole)}"


@pytest.mark.parametrize("wanted", ["bytes=5-2", "bytes=0-1,5-9", "lines=1-2", "bytes=-", f"bytes={'9' * 5000}-"])
async def test_a_range_that_makes_no_sense_gets_the_whole_file(async_client: AsyncClient, segment: str, wanted: str) -> None:
    assert (await async_client.get(segment, headers={"range": wanted})).status_code == 200


async def test_a_range_beyond_the_end_cannot_be_met(async_client: AsyncClient, segment: str) -> None:
    answer = await async_client.get(segment, headers={"range": "bytes=99999999-"})
    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{on_disk(segment).stat().st_size}"


async def test_a_range_of_an_older_file_gets_the_whole_new_one(async_client: AsyncClient, segment: str) -> None:
    answer = await async_client.get(segment, headers={"range": "bytes=0-9", "if-range": '"older"'})
    assert answer.status_code == 200


async def test_head_tells_the_size_and_sends_nothing(async_client: AsyncClient, segment: str) -> None:
    answer = await async_client.head(segment)
    assert (answer.content, answer["Content-Length"]) == (b"", str(on_disk(segment).stat().st_size))
    assert (await async_client.post(segment)).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/media/../secret-key",
        "/media/clips/../../secret-key",
        "/media/clips/%2e%2e/%2e%2e/secret-key",
        "/media/clips/00000000000000000000000000000000/s0.m4s",
        "/media/.locks/anything",
        "/media//etc/passwd",
        "/media/",
    ],
)
async def test_nothing_outside_of_packaged_folders_can_be_reached(async_client: AsyncClient, media: object, path: str) -> None:
    assert (await async_client.get(path)).status_code == 404


async def test_files_that_no_manifest_lists_stay_private(async_client: AsyncClient, segment: str) -> None:
    folder = segment.rsplit("/", 1)[0]
    assert (await async_client.get(folder + "/manifest.json")).status_code == 404
    stray = on_disk(folder) / "stray.jpg"
    stray.write_bytes(b"stray")
    try:
        assert (await async_client.get(folder + "/stray.jpg")).status_code == 404
    finally:
        stray.unlink()


async def test_a_truncated_segment_is_not_served(async_client: AsyncClient, segment: str) -> None:
    place = on_disk(segment)
    whole = place.read_bytes()
    place.write_bytes(whole[:100])
    try:
        assert (await async_client.get(segment)).status_code == 404
    finally:
        place.write_bytes(whole)


async def test_a_player_of_another_site_may_fetch_segments_ranges_and_what_is_missing(async_client: AsyncClient, segment: str) -> None:
    for answer in (
        await async_client.get(segment, headers={"origin": "https://player.example"}),
        await async_client.get(segment, headers={"range": "bytes=0-9"}),
        await async_client.get("/media/clips/none.m4s"),
    ):
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "Content-Range" in answer["Access-Control-Expose-Headers"]
    preflight = await async_client.options(segment, headers={"origin": "https://player.example", "access-control-request-headers": "range"})
    assert (preflight.status_code, preflight["Access-Control-Allow-Methods"]) == (204, "GET, HEAD, OPTIONS")
    assert "Range" in preflight["Access-Control-Allow-Headers"]


async def test_a_clip_is_also_one_file_with_its_index_first(async_client: AsyncClient, segment: str) -> None:
    name = on_disk(segment).parent.name
    answer = await async_client.get(f"/media/whole/{name}.mp4")
    assert (answer.status_code, answer["Content-Type"]) == (200, "video/mp4")
    assert 0 < answer.content.index(b"moov") < answer.content.index(b"mdat")
    said = run([ffmpeg(), "-hide_banner", "-i", str(Path(settings.MEDIA_ROOT) / "whole" / f"{name}.mp4"), "-c", "copy", "-f", "null", "-"])
    assert "h264 (Main)" in said
    part = await async_client.get(f"/media/whole/{name}.mp4", headers={"range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")


@pytest.mark.parametrize("name", ["0" * 32, "../clips", "x" * 32])
async def test_there_is_no_file_of_a_clip_that_is_not_there(async_client: AsyncClient, media: object, name: str) -> None:
    assert (await async_client.get(f"/media/whole/{name}.mp4")).status_code == 404
