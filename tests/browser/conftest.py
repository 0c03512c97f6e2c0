"""The real product for a real browser: daphne and the event consumer as processes of their own, on the test run's servers.

One site serves all tests of this folder: starting it costs more than any of them.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from adplatform import runtime
from tests.browser.parts import Complaints, Site
from tests.media import Films, RenderedMedia

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
START_SECONDS = 60
NO_BROWSER = "NO CHROMIUM FOUND, browser tests are not run. Install Debian's `chromium`, or run `.venv/bin/playwright install chromium`."


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    """The site of this folder keeps running between tests, and its log with it."""


def _chromium(bundled: str) -> str | None:
    found = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
    return found or (bundled if Path(bundled).exists() else None)


@pytest.fixture(scope="package")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    # Playwright's synchronous interface keeps an event loop in this thread; the tests' own queries are safe beside it.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        program = _chromium(playwright.chromium.executable_path)
        if program is None:
            if os.environ.get("CI"):
                pytest.fail(NO_BROWSER)
            terminal = request.config.pluginmanager.get_plugin("terminalreporter")
            if terminal is not None:
                terminal.write_line(f"\n*** {NO_BROWSER} ***", red=True, bold=True)
            pytest.skip(NO_BROWSER)
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()
        # Django keeps the connections made beside a running event loop apart; nobody could close them later.
        connections.close_all()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def address(door: socket.socket) -> str:
    return f"http://127.0.0.1:{door.getsockname()[1]}"


@contextmanager
def web(log: Path, door: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    """A web process that answers at ``door``, a listening socket that several may share as in production."""
    command = ["-m", "daphne", "--fd", str(door.fileno()), "adplatform.web:application"]
    with _process(log, *command, keep=(door.fileno(),), DATABASE_POOL_SIZE="32") as process:
        try:
            # The door is open before anybody stands behind it: the first to come answers.
            httpx.get(f"{address(door)}/accounts/login/", timeout=START_SECONDS).raise_for_status()
        except httpx.HTTPError as problem:
            pytest.fail(f"the site did not start within {START_SECONDS} s ({problem}):\n{log.read_text()[-3000:]}")
        yield process


def _environment() -> dict[str, str]:
    """As the tests', but with the test database, which only pytest-django knows the name of."""
    name = settings.DATABASES["default"]["NAME"]
    url = os.environ.get("DATABASE_URL") or runtime.places().database_url()
    url = f"{url.rsplit('/', 1)[0]}/{name}"
    # The chat reads as its own role, as in production.
    reader = os.environ.get("INSIGHTS_DATABASE_URL") or os.environ.get("DATABASE_URL") or runtime.places().database_url(runtime.INSIGHTS_ROLE)
    reader = f"{reader.rsplit('/', 1)[0]}/{name}"
    own = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": url, "INSIGHTS_DATABASE_URL": reader, "PYTHONUNBUFFERED": "1"}
    own["COUNTED_USER_AGENTS"] = "HeadlessChrome"  # a robot's, and here the viewer's
    # The Director leaves nothing to chance, and a minute of film has a price before anybody watched one.
    own |= {"DIRECTOR_EXPLORATION": "0", "DIRECTOR_MINUTE_MICROS": "2000"}
    return os.environ | own


@contextmanager
def _process(log: Path, *command: str, keep: Sequence[int] = (), **own: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=runtime.ROOT, env=_environment() | own, stdout=output, stderr=subprocess.STDOUT, pass_fds=keep
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _sell_ads(films: Films) -> None:
    """Three advertisers, each with one of the diagnostic ads on a live CPM flight; the ads may be skipped after 2 seconds."""
    from ads.models import Ad, Advertiser, Campaign, Flight

    now = datetime.now(UTC)
    for number, (key, asset) in enumerate(sorted(films.ads.items()), start=1):
        owner = Advertiser.objects.create(name=f"Brand {number}", category=f"category-{number}")
        campaign = Campaign.objects.create(advertiser=owner, name=f"Campaign {number}")
        flight = Flight.objects.create(
            campaign=campaign, name="Flight", state=Flight.State.LIVE, starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1),
            pricing="cpm", bid_micros=(40 - number) * 1_000_000, goal_type="impressions", goal_amount=1_000_000, budget_micros=10_000_000_000,
            pacing="asap",
        )  # fmt: skip
        Ad.objects.create(
            flight=flight, name=key, asset=asset, category=f"category-{number}", click_through="https://brand.example/",
            universal_ad_id=f"browser/{number}", review=Ad.Review.APPROVED, skip_after=2,
        )  # fmt: skip


@pytest.fixture
def _django_db_helper(site: Site) -> None:
    """In place of pytest-django's: tests here are marked ``django_db`` so that databases are made, but the site's rows
    must outlive each of them, so nothing is rolled back or flushed in between."""


@pytest.fixture(scope="package")
def site(
    _servers: None, django_db_setup: None, django_db_blocker: Any, media: RenderedMedia, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    logs = tmp_path_factory.mktemp("site")
    for url in (settings.CACHE_REDIS_URL, settings.CHANNELS_REDIS_URL, settings.EVENTLOG_REDIS_URL):
        client = redis.Redis.from_url(url)
        client.flushdb()
        client.close()
    with django_db_blocker.unblock():
        films = media.install()
        _sell_ads(films)
        with (
            socket.create_server(("127.0.0.1", 0)) as door,
            web(logs / "web.log", door) as server,
            _process(logs / "consumer.log", "manage.py", "consume_events"),
        ):
            yield Site(address(door), films, door, server)
        call_command("flush", interactive=False, verbosity=0, reset_sequences=False)  # Ids are never used twice, in tests neither.


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


# A busy machine answers late, never wrongly: what is expected within the library's 5 s came after 6 there.
expect.set_options(timeout=15_000)


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 720})
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, complaints: Complaints) -> Page:
    page = context.new_page()
    complaints.watch(page)
    return page
