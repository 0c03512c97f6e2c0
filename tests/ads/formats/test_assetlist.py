"""Asset lists and interstitials against the rules of their specifications, whatever a break holds."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ads.formats.assetlist import SIGNALING, asset_list
from ads.formats.interstitials import date_ranges
from ads.placement import PlacedBreak
from tests.ads.formats.creatives import make_creative

BREAK = {
    "breakStart": "https://ads.example/t/breakStart/x",
    "breakEnd": "https://ads.example/t/breakEnd/x",
    "breakError": "https://ads.example/t/e/x",
}
# SVTA2053 section 5.2, table of event types, as players read them.
EVENTS = {
    "impression", "clickTracking", "error", "loaded", "start", "firstQuartile", "midpoint", "thirdQuartile", "complete", "mute", "unmute", "pause",
    "resume", "skip", "progress", "playerCollapse", "playerExpand", "podStart", "podEnd",
}  # fmt: skip
DURATIONS = st.lists(st.floats(0.5, 120), max_size=6)


def listed(durations: list[float], **changes: Any) -> dict[str, Any]:
    creatives = [make_creative(slot, duration=duration, **changes) for slot, duration in enumerate(durations)]
    told: dict[str, Any] = json.loads(json.dumps(asset_list(creatives, seconds=30.0, break_tracking=BREAK), allow_nan=False))
    return told


def seconds(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and value >= 0


def slots(told: dict[str, Any]) -> list[dict[str, Any]]:
    envelopes = [asset[SIGNALING] for asset in told["ASSETS"]]
    assert all((one["version"], one["type"], len(one["payload"])) == (2, "slot", 1) for one in envelopes)
    return [one["payload"][0] for one in envelopes]


@given(DURATIONS)
def test_every_slot_and_the_pod_are_what_players_take(durations: list[float]) -> None:
    told = listed(durations)
    assert [asset["DURATION"] for asset in told["ASSETS"]] == pytest.approx(durations, abs=0.001)
    (pod,) = told[SIGNALING]["payload"]
    assert (told[SIGNALING]["type"], pod["start"]) == ("pod", 0)
    assert pod["duration"] == pytest.approx(sum(durations) or 30.0, abs=0.01)
    start = 0.0
    for slot in slots(told):
        assert slot["type"] == "linear"
        assert slot["start"] == pytest.approx(start, abs=0.01)
        assert slot["duration"] > 0
        assert all(one["scheme"] and one["value"] for one in slot["identifiers"])
        assert {one["type"] for one in slot["tracking"]} <= EVENTS
        assert all(one["urls"] and all(url.startswith("https://") for url in one["urls"]) for one in slot["tracking"])
        assert all(seconds(one["offset"]) and one["offset"] <= slot["duration"] for one in slot["tracking"] if "offset" in one)
        assert all("offset" in one for one in slot["tracking"] if one["type"] == "progress")
        start += slot["duration"]


def test_an_ad_is_named_as_in_its_vast_and_says_where_it_leads() -> None:
    (slot,) = slots(listed([12.0]))
    creative = make_creative(0)
    assert slot["identifiers"][0] == {"scheme": "urn:smpte:ul:060E2B34.01040101.01200900.00000000", "value": creative.universal_ad_id}
    assert slot["identifiers"][1]["value"] == creative.serving_id
    assert (slot["clickThrough"], slot["skipOffset"]) == (creative.tracking["click"], 5.0)
    assert slot["verifications"][0]["vendor"] == "measure.example-omid"


def test_a_skip_button_ends_the_break_and_so_is_there_for_a_single_ad_alone() -> None:
    assert listed([12.0], skip_after=4.2)["SKIP-CONTROL"] == {"OFFSET": 5}
    assert "SKIP-CONTROL" not in listed([12.0, 12.0]) | listed([12.0], skip_after=None) | listed([])


def test_a_break_without_ads_says_where_to_tell_it() -> None:
    told = listed([])
    assert told["ASSETS"] == []
    assert told[SIGNALING]["payload"][0]["tracking"] == [{"type": "error", "urls": [BREAK["breakError"]]}]


def test_an_address_that_would_end_its_attribute_is_refused() -> None:
    one = PlacedBreak("b2", 2, "mid", 0, 10.0, 30.0, 2, 0.5)
    for end in ('"', "\n#EXT-X-ENDLIST"):
        with pytest.raises(ValueError, match="no quotation mark"):
            date_ranges(
                [replace(one, id=end)], asset_list=lambda each: f"https://x.example/{each.id}", program_start=datetime(2026, 1, 1, tzinfo=UTC)
            )
    (line,) = date_ranges([one], asset_list=lambda each: f"https://x.example/{each.id}", program_start=datetime(2026, 1, 1, tzinfo=UTC))
    assert line.startswith('#EXT-X-DATERANGE:ID="b2",CLASS="com.apple.hls.interstitial",START-DATE="2026-01-01T00:00:10.000Z",CUE="ONCE"')
