"""The Director before a viewer's eyes: what it changes is on the screen with its reason, and what it must leave alone it leaves alone.

The picture is the proof: every test clip carries its own colour, so the order of the colours is the order of the scenes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from adplatform.experiments import selectors as experiments
from adplatform.models import Experiment
from engagement.models import DirectorDecision

from .parts import Complaints, Site, eventually
from .taught import directed
from .watching import press_play, session_of, shown, start_sampling

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
SCENES = "test-pattern-s"
BLUE, YELLOW = "test-pattern-s3", "test-pattern-s4"


@pytest.fixture
def models(site: Site) -> Iterator[None]:
    with directed():
        yield


@contextmanager
def everybody_in_control() -> Iterator[None]:
    """For whoever opens a film from now on, in the site's process too."""
    running = Experiment.objects.create(
        key="director", arms=[{"name": "control", "share": 0.999}, {"name": "director", "share": 0.001}], state="running"
    )
    time.sleep(experiments.KEEP_SECONDS + 0.5)
    try:
        yield
    finally:
        running.delete()


class Viewer:
    """Somebody with a browser of their own, who watches Test Pattern. All of them may watch at once."""

    def __init__(self, browser: Browser, site: Site, complaints: Complaints) -> None:
        self.context = browser.new_context(base_url=site.url, viewport={"width": 960, "height": 540})
        self.context.set_default_timeout(20_000)
        self.page: Page = self.context.new_page()
        complaints.watch(self.page)

    def begins(self) -> None:
        press_play(self.page, "test-pattern")
        start_sampling(self.page)

    def is_restless(self) -> None:
        """A pause, and on to the next scene before this one was over."""
        for key in ("k", "k", "n"):
            self.page.keyboard.press(key)

    @property
    def scenes(self) -> list[str]:
        return [clip.key for clip in shown(self.page) if clip.key.startswith(SCENES)]

    def sees_after_the_break(self) -> str:
        """The scene that follows the second, at whose end a break is; its ads are skipped as soon as they may be."""
        second = f"{SCENES}2"

        def following() -> list[str]:
            self.page.keyboard.press("s")
            return self.scenes[self.scenes.index(second) + 1 :] if second in self.scenes else []

        eventually(lambda: bool(following()), True, within=40)
        return following()[0]


def test_restless_calm_and_resolute_viewers_each_get_their_film_and_the_picture_proves_it(
    browser: Browser, site: Site, complaints: Complaints, models: None
) -> None:
    restless, calm, resolute = (Viewer(browser, site, complaints) for _ in range(3))
    calm.begins()

    resolute.begins()
    resolute.is_restless()
    told = resolute.page.locator(".toast")
    expect(told.first).to_contain_text("Brought a scene forward: Yellow")
    switch = resolute.page.get_by_role("switch", name="Play as edited")
    switch.click()
    expect(told.last).to_contain_text("Playing as edited")
    expect(switch).to_be_checked()
    expect(resolute.page.get_by_role("button", name="Yellow. Brought forward")).to_have_count(0)

    restless.begins()
    restless.is_restless()
    told = restless.page.locator(".toast")
    expect(told.first).to_contain_text("Brought a scene forward: Yellow")
    expect(told.first).to_contain_text("forward before “Blue”")
    restless.page.keyboard.press("d")
    expect(restless.page.locator("[data-part=decisions]")).to_contain_text("Brought a scene forward: Yellow")
    expect(restless.page.get_by_role("button", name="Yellow. Brought forward")).to_be_visible()

    assert resolute.sees_after_the_break() == BLUE
    resolute.page.keyboard.press("k")  # or the film may be over before the page is loaded again, and begin anew
    assert restless.sees_after_the_break() == YELLOW
    assert calm.sees_after_the_break() == BLUE
    expect(calm.page.locator(".toast")).to_have_count(0)

    resolute.page.reload()
    resolute.page.get_by_role("button", name="Resume").click()
    expect(resolute.page.get_by_role("switch", name="Play as edited")).to_be_checked()

    decided = DirectorDecision.objects.filter(session=session_of(restless.page).pk)
    changed = decided.get(action="bring_forward", applied=True)
    assert not changed.explored
    assert changed.gain_low is not None
    assert changed.gain_low > 0
    assert not DirectorDecision.objects.filter(session=session_of(calm.page).pk).exclude(action="keep").exists()
    assert complaints.found == []
    for viewer in (restless, calm, resolute):
        viewer.context.close()


def test_the_control_group_gets_the_film_as_edited_whatever_it_does(browser: Browser, site: Site, complaints: Complaints, models: None) -> None:
    with everybody_in_control():
        viewer = Viewer(browser, site, complaints)
        viewer.begins()
        viewer.is_restless()
        assert viewer.sees_after_the_break() == BLUE
        decided = DirectorDecision.objects.filter(session=session_of(viewer.page).pk)
        eventually(lambda: decided.filter(intended="bring_forward", action="keep", applied=False, arm="control").exists(), True)
        assert not decided.filter(applied=True).exists()
        assert complaints.found == []
        viewer.context.close()
