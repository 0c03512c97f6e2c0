"""Robots that name themselves are known by the list's own samples, and nobody who watches is taken for one."""

from __future__ import annotations

from typing import Any

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from adplatform.eventlog import agents

SAMPLES = [instance for crawler in CRAWLER_USER_AGENTS_DATA for instance in crawler["instances"]]
WATCHING = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 Safari/537.36 WebAppManager",
    "Mozilla/5.0 (SMART-TV; Linux; Tizen 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Version/5.0 TV Safari/537.36",
    "Roku/DVP-14.5 (14.5.0.4205-88)",
    "AppleCoreMedia/1.0.0.20H360 (Apple TV; U; CPU OS 16_6 like Mac OS X; en_us)",
    "ExoPlayerLib/2.18 (Linux;Android 11)",
    "VLC/3.0.16 LibVLC/3.0.16",
    "A television nobody has heard of/1.0",
    "",
]


def test_every_robot_of_the_list_is_known_by_its_samples() -> None:
    assert len(SAMPLES) > 2_000
    assert {agents.verdict(sample) for sample in SAMPLES[::20]} == {"crawler"}


@pytest.mark.parametrize("user_agent", WATCHING)
def test_browsers_televisions_and_players_nobody_knows_count_and_so_does_no_user_agent(user_agent: str) -> None:
    assert agents.verdict(user_agent) == ""


def test_an_installation_may_let_a_robot_count(settings: Any) -> None:
    assert agents.verdict("Mozilla/5.0 HeadlessChrome/131.0") == "crawler"
    settings.COUNTED_USER_AGENTS = ["HeadlessChrome"]
    assert agents.verdict("Mozilla/5.0 HeadlessChrome/131.0") == ""
    assert agents.verdict("Googlebot/2.1") == "crawler"
