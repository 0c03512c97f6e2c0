"""Everything a person does with the player reaches the log: in order, once, and as the kind of thing it was."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from engagement.models import PlaybackEvent, PlaybackSession

from .parts import Complaints, eventually
from .watching import playhead, press_play, session_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
# The first socket welcomes the player and hears nothing after that, as one does whose other end is gone.
DEAF = """
window.sockets = 0;
window.WebSocket = class extends WebSocket {
  constructor(address) {
    super(address);
    window.sockets += 1;
    this.deaf = window.sockets === 1;
  }
  send(message) {
    if (!this.deaf || message.includes('"hello"')) super.send(message);
  }
};
"""


def told(session: PlaybackSession, kind: str) -> list[dict[str, Any]]:
    """Data of the session's events of a kind, in the order of their numbers, without the playhead's place in the playlist."""
    rows = PlaybackEvent.objects.filter(session=session.pk, type=f"playback.{kind}", valid=True).order_by("seq").values_list("data", flat=True)
    return [{name: value for name, value in data.items() if name != "t"} for data in rows]


def test_each_thing_a_viewer_does_is_one_signal_of_its_kind(page: Page, complaints: Complaints) -> None:
    press_play(page, "colour-bars")
    session = session_of(page)
    page.keyboard.press("m")
    # The first to look may look before the consumer has started.
    eventually(lambda: told(session, "volume"), [{"volume": 1, "muted": True}], within=60)
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(">")
    page.keyboard.press("f")
    eventually(lambda: told(session, "fullscreen"), [{"on": True}])
    page.keyboard.press("f")
    page.keyboard.press("n")
    expect(page.locator("[data-part=scene-name]")).to_have_text("Olive")
    page.keyboard.press("0")
    eventually(lambda: playhead(page) < 2, True)
    page.keyboard.press("4")
    eventually(lambda: playhead(page) > 4, True)
    page.get_by_role("button", name="Something wrong?").click()
    page.get_by_role("button", name="The order of the scenes").click()
    expect(page.locator(".toast")).to_contain_text("Thank you")
    eventually(lambda: len(told(session, "heartbeat")) > 1, True)
    page.goto("about:blank")
    eventually(lambda: len(told(session, "leave")), 1)

    assert told(session, "volume") == [{"volume": 1, "muted": True}, {"volume": 0.7, "muted": False}]
    assert told(session, "rate") == [{"rate": 1.25}]
    assert told(session, "fullscreen") == [{"on": True}, {"on": False}]
    assert len(told(session, "skip_scene")) == 1
    assert len(told(session, "rewind")) == 1
    assert len(told(session, "seek")) == 1, "skipping a scene is no seek as well"
    assert told(session, "complaint") == [{"about": "order"}]
    for beat in told(session, "heartbeat"):
        assert beat["buffer"] > 0
        assert beat["dropped"] >= 0
    numbers = list(PlaybackEvent.objects.filter(session=session.pk, seq__gt=0).order_by("occurred_at", "seq").values_list("seq", flat=True))
    assert all(after > before for before, after in pairwise(numbers))
    assert complaints.found == []


def test_events_that_met_a_dead_connection_go_again_in_order_and_count_once(page: Page) -> None:
    page.add_init_script(DEAF)
    press_play(page, "colour-bars")
    session = session_of(page)
    page.keyboard.press("m")
    eventually(lambda: len(told(session, "volume")), 1, within=20)
    assert page.evaluate("window.sockets") == 2
    numbers = list(PlaybackEvent.objects.filter(session=session.pk, seq__gt=0).order_by("seq").values_list("seq", flat=True))
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "nothing is missing"
    assert len(told(session, "start")) == 1
