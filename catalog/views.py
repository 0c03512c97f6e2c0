"""Serves packaged media under /media/. Every address names its content, so answers may be kept for ever.

Players of other sites may fetch them, as they may fetch the playlists that name them: nothing here belongs to a viewer.

Only folders named by a recipe, with a manifest that lists the file at its present size, are served, and pictures beside ads:
a path outside of them cannot be spelled, and a truncated file is an honest 404 instead of a broken picture.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseNotFound, HttpResponseNotModified

from catalog.media import integrity
from catalog.media.packaging import PackagingError
from catalog.media.whole import FOLDER, whole_clip

log = structlog.get_logger(__name__)

TYPES = {
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".vtt": "text/vtt; charset=utf-8",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".m3u8": "application/vnd.apple.mpegurl",
}
FOR_EVER = "public, max-age=31536000, immutable"
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range, If-Range",
    "Access-Control-Max-Age": "86400",
}
PLACE = re.compile(r"(clips|pictures)/[0-9a-f]{32}/[a-z0-9]+\.[a-z0-9]+")
# Beside an ad: encoded by us under a name that is used once, so it needs no manifest.
BESIDE = re.compile(r"pictures/[0-9a-f]{32}\.(?:png|jpg|gif|webp)")
WHOLE = re.compile(rf"{FOLDER}/([0-9a-f]{{32}})\.mp4")
# Bounded: Python refuses to read a number of thousands of digits, and no file of ours has so many bytes.
ONE_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


@dataclass(frozen=True)
class Found:
    path: Path
    size: int
    etag: str


async def media_file(request: HttpRequest, path: str) -> HttpResponse:
    """One file, whole or one byte range of it, to whatever origin asks."""
    if request.method == "OPTIONS":
        return _open_to_all(HttpResponse(status=204, headers=PREFLIGHT))
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD", "OPTIONS"])
    return _open_to_all(await _answer(request, path))


async def _answer(request: HttpRequest, path: str) -> HttpResponse:
    """Files are a few hundred KiB: read at once in a thread, off the event loop."""
    content_type = TYPES.get(Path(path).suffix)
    found = await asyncio.to_thread(_find, path) if content_type else None
    if found is None or content_type is None:
        return HttpResponseNotFound("There is no such media file.", content_type="text/plain")
    if found.etag in request.headers.get("If-None-Match", ""):
        return _with_caching(HttpResponseNotModified(), found)
    wanted = _wanted(request, found)
    if wanted is None:
        return _with_caching(HttpResponse(status=416, headers={"Content-Range": f"bytes */{found.size}"}), found)
    start, end = wanted
    body = await asyncio.to_thread(_read, found.path, start, end) if request.method == "GET" else b""
    answer = HttpResponse(body, content_type=content_type)
    answer["Content-Length"] = str(end - start)
    if (start, end) != (0, found.size):
        answer.status_code = 206
        answer["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
    return _with_caching(answer, found)


def _find(path: str) -> Found | None:
    if whole := WHOLE.fullmatch(path):
        return _find_whole(whole[1])
    if BESIDE.fullmatch(path):
        return _find_beside(integrity.media_root() / path)
    return _find_packaged(path) if PLACE.fullmatch(path) else None


def _find_whole(name: str) -> Found | None:
    try:
        place = whole_clip(name)
    except PackagingError as error:
        log.warning("whole_clip_not_made", clip=name, problem=str(error))
        return None
    return None if place is None else Found(path=place, size=place.stat().st_size, etag=f'"{name}"')


def _find_beside(place: Path) -> Found | None:
    try:
        return Found(path=place, size=place.stat().st_size, etag=f'"{place.stem}"')
    except OSError:
        return None


def _find_packaged(path: str) -> Found | None:
    place = integrity.media_root() / path
    facts = (integrity.manifest_files(place.parent) or {}).get(place.name)
    if facts is None:
        return None
    try:
        size = place.stat().st_size
    except OSError:
        size = -1
    if size != facts["size"]:
        log.warning("media_refused", path=path, size=size, expected=facts["size"])
        return None
    return Found(path=place, size=size, etag=f'"{facts["sha256"][:32]}"')


def _wanted(request: HttpRequest, found: Found) -> tuple[int, int] | None:
    """The bytes asked for as (start, end), everything when the header is absent, stale or of many ranges; None when it can't be met."""
    match = ONE_RANGE.fullmatch(request.headers.get("Range", ""))
    if not match or (match[1], match[2]) == ("", "") or request.headers.get("If-Range", found.etag) != found.etag:
        return 0, found.size
    if match[1] and match[2] and int(match[2]) < int(match[1]):
        return 0, found.size
    if not match[1]:
        start, end = max(0, found.size - int(match[2])), found.size
    else:
        start, end = int(match[1]), min(found.size, int(match[2]) + 1 if match[2] else found.size)
    return (start, end) if start < end else None


def _read(path: Path, start: int, end: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(end - start)


def _open_to_all(answer: HttpResponse) -> HttpResponse:
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Access-Control-Expose-Headers"] = "Content-Length, Content-Range, ETag"
    return answer


def _with_caching(answer: HttpResponse, found: Found) -> HttpResponse:
    answer["ETag"] = found.etag
    answer["Cache-Control"] = FOR_EVER
    answer["Accept-Ranges"] = "bytes"
    return answer
