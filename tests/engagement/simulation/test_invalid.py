"""A part of the synthetic audience is no honest one: each kind of it is found by the validity checks, and none of it is charged."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from ads.models import AdEvent, LedgerEntry
from engagement.simulation.audience import DEFAULT, INVALID_KINDS, Audience, InvalidTraffic, load
from engagement.simulation.history import Report, write_history
from tests.ads.inventory import NOW

FOUND_AS = {
    "crawler": {"crawler"},
    "other_browser": {"other_user_agent"},
    "replay": set[str](),
    "click_first": {"click_without_impression", "before_impression"},
    "hurried": {"faster_than_the_ad"},
    "burst": {"viewer_rate", "click_too_fast"},
    "wrong_clock": {"future_time"},
}
# Not even the impression of these is one.
NOTHING_COUNTS = {"crawler", "other_browser", "wrong_clock"}


def audience_of(kind: str) -> Audience:
    return msgspec.structs.replace(load(DEFAULT), people=3, invalid_traffic=InvalidTraffic(share=1.0, kinds={kind: 1.0}))


def write(kind: str, folder: Path, *, sessions: int) -> Report:
    return write_history(
        audience=audience_of(kind), days=1, sessions=sessions, seed=2, until=NOW, truth_folder=folder, progress=lambda done, total: None
    )


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("kind", INVALID_KINDS)
def test_each_kind_of_invalid_traffic_is_found_for_what_it_is(kind: str, tmp_path: Path) -> None:
    report = write(kind, tmp_path, sessions=2 if kind == "burst" else 8)
    assert report.invalid == report.ads > 2
    found = Counter(AdEvent.objects.filter(valid=False).values_list("reason", flat=True))
    if kind == "replay":
        assert not found
        assert LedgerEntry.objects.filter(kind="impression").count() <= report.ads
        return
    assert found
    assert set(found) <= FOUND_AS[kind] | {"without_impression", "out_of_order"}, found
    assert FOUND_AS[kind] & set(found)
    assert not AdEvent.objects.exclude(synthetic=True).exists()
    if kind in NOTHING_COUNTS:
        assert not LedgerEntry.objects.exists()
