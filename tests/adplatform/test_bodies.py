"""Large bodies through the real web server: whole, and never in memory."""

from __future__ import annotations

import hashlib
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from adplatform import runtime

# As in `spooling`, which sets up a Django of its own and is read by the server alone.
MOST = 40_000_000
LARGE = random.Random(5).randbytes(8_000_000) * 4
SMALL = b"a few words"


@pytest.fixture(scope="module")
def site() -> Iterator[httpx.Client]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        command = [sys.executable, "-m", "daphne", "-v", "0", "--fd", str(door.fileno()), "tests.adplatform.spooling:application"]
        process = subprocess.Popen(command, cwd=runtime.ROOT, pass_fds=[door.fileno()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{door.getsockname()[1]}", timeout=60) as client:
                yield client
        finally:
            process.kill()
            process.wait()


def received(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def is_whole(found: dict[str, Any], sent: bytes) -> bool:
    return (found["size"], found["sha256"]) == (len(sent), hashlib.sha256(sent).hexdigest())


def pieces(body: bytes) -> Iterator[bytes]:
    yield from (body[start : start + 1_000_000] for start in range(0, len(body), 1_000_000))


def test_large_bodies_arrive_whole_and_leave_the_process_as_small_as_it_was(site: httpx.Client) -> None:
    before = received(site.post("/told", content=SMALL))
    assert is_whole(before, SMALL)
    form = received(site.post("/told", data={"name": "Spot"}, files={"file": ("spot.mp4", LARGE)}))
    assert is_whole(form, LARGE)
    assert form["name"] == "Spot"
    assert is_whole(received(site.post("/told", content=LARGE, headers={"Content-Type": "video/mp4"})), LARGE)
    # Without a length, as from a pipe.
    assert is_whole(received(site.post("/told", content=pieces(LARGE), headers={"Content-Type": "video/mp4"})), LARGE)
    assert is_whole(received(site.post("/told", content=pieces(SMALL), headers={"Content-Type": "video/mp4"})), SMALL)
    after = received(site.get("/told"))
    assert after["peak"] - before["peak"] < len(LARGE) / 2
    assert after["temporary"] == 0


def test_a_body_larger_than_any_upload_is_refused_in_words_and_the_connection_lives(site: httpx.Client) -> None:
    over = bytes(MOST + 1)
    refused = site.post("/api/v1/told", content=over)
    assert (refused.status_code, refused.headers["content-type"]) == (413, "application/problem+json")
    assert refused.json()["detail"] == "The request is larger than anything that is taken here; a file has at most 38 MB."
    piped = site.post("/told", content=pieces(over))
    assert (piped.status_code, piped.headers["content-type"]) == (413, "text/plain; charset=utf-8")
    assert is_whole(received(site.post("/told", content=SMALL)), SMALL)


@pytest.mark.parametrize("share", [0.5, 1.0], ids=["in the middle", "at its end"])
def test_of_an_upload_whose_sender_goes_nothing_stays(site: httpx.Client, share: float) -> None:
    with socket.create_connection((site.base_url.host, site.base_url.port or 80)) as sender:
        sender.sendall(b"POST /told HTTP/1.1\r\nHost: t\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n" % len(LARGE))
        sender.sendall(LARGE[: int(len(LARGE) * share)])
    deadline = time.monotonic() + 30
    while (kept := received(site.get("/told"))["temporary"]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert kept == 0
