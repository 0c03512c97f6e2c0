"""Two tabs, a reload, and a web process that dies in mid film: the film goes on, and the Director's log is whole."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from engagement.models import DirectorDecision, PlaybackEvent, PlaybackSession

from .conftest import web
from .parts import Complaints, Site, eventually
from .watching import playhead, press_play, session_of, shown, start_sampling

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
NOBODY_SECONDS = 2.0


def boundaries(session: PlaybackSession) -> list[int | None]:
    """The scenes at whose start something was decided, in order."""
    return list(DirectorDecision.objects.filter(session=session.pk, trigger="scene_start").order_by("decided_at").values_list("scene", flat=True))


def test_a_web_process_is_killed_in_mid_film_and_the_film_goes_on_where_it_was(page: Page, site: Site, tmp_path: Path) -> None:
    site.web.send_signal(signal.SIGSTOP)
    with web(tmp_path / "victim.log", site.door) as victim:
        try:
            press_play(page, "colour-bars")
            start_sampling(page)
            page.keyboard.press("n")
            expect(page.locator("[data-part=scene-name]")).to_have_text("Olive")
            os.kill(victim.pid, signal.SIGKILL)
            died, at = time.monotonic(), playhead(page)
            time.sleep(NOBODY_SECONDS)
        finally:
            site.web.send_signal(signal.SIGCONT)
        session = session_of(page)
        events = PlaybackEvent.objects.filter(session=session.pk)
        eventually(lambda: events.filter(type="playback.heartbeat", data__t__gt=at + 0.5).exists(), True, within=10 - NOBODY_SECONDS)
        assert time.monotonic() - died < 10
        numbers = list(events.filter(seq__gt=0).order_by("seq").values_list("seq", flat=True))
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no event is missing, none is there twice"
    expect(page.locator("[data-part=ad-count]")).to_be_visible(timeout=15_000)
    for _ in range(2):
        page.locator("[data-part=ad-skip]:not([disabled])").click()
    expect(page.locator("[data-part=scene-name]")).to_have_text("Navy", timeout=15_000)
    expect(page.locator("[data-part=link-state]")).to_be_hidden()
    eventually(lambda: [clip.key for clip in shown(page)][-1], "colour-bars-s3")

    seen = shown(page)
    times = [(clip.first, clip.last) for clip in seen]
    assert times == sorted(times), "the picture never went back"
    assert [clip.key for clip in seen if clip.key.startswith("colour-bars")][-2:] == ["colour-bars-s2", "colour-bars-s3"]
    opener, olive, *_ = site.films.bars.scenes.values_list("pk", flat=True)
    eventually(lambda: boundaries(session)[:2], [opener, olive])
    decided = DirectorDecision.objects.filter(session=session.pk)
    assert decided.values("epoch", "scene", "trigger").distinct().count() == decided.count()


def test_a_second_tab_is_a_session_of_its_own_and_a_reload_goes_on(context: BrowserContext, page: Page, complaints: Complaints) -> None:
    press_play(page, "colour-bars")
    first = session_of(page)
    page.keyboard.press("n")
    expect(page.locator("[data-part=scene-name]")).to_have_text("Olive")
    other = context.new_page()
    press_play(other, "colour-bars")
    second = session_of(other)
    assert second.pk != first.pk
    other.close()
    left = playhead(page)
    page.reload()
    page.get_by_role("button", name="Resume").click()
    eventually(lambda: playhead(page) > 0.3, True)
    assert session_of(page).pk == first.pk
    assert abs(playhead(page) - left) < 3
    starts = PlaybackEvent.objects.filter(session=first.pk, type="playback.scene_start", data__scene=first.plan["film"][0]["id"])
    eventually(starts.count, 1)
    assert complaints.found == []
