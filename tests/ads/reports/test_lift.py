"""The model against the control slice: intervals over viewers, silence on thin evidence, and never a division by zero."""

from __future__ import annotations

import io
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from adplatform.eventlog import ids
from adplatform.eventlog.partitions import ensure_partitions
from ads.models import AdEvent, Decision, LedgerEntry
from ads.reports.lift import compare, lift
from tests.ads.inventory import make_ad

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def viewers(number: int, rate: float, seed: int) -> np.ndarray:
    """[viewers, 5] with four breaks and eight impressions each, every click worth 2,000 micros."""
    clicks = np.random.default_rng(seed).binomial(8, rate, number)
    return np.column_stack([np.full(number, 4), np.full(number, 8), clicks, np.full(number, 6), clicks * 2000]).astype(float)


def test_a_better_model_is_called_better_and_the_same_one_is_not() -> None:
    click_rate, completion, revenue = compare(viewers(3000, 0.05, 1), viewers(1000, 0.03, 2))
    assert (click_rate.verdict, revenue.verdict, completion.verdict) == ("better", "better", "no_difference_shown")
    assert click_rate.ci_low is not None
    assert click_rate.ci_high is not None
    assert 0 < click_rate.ci_low < 0.02 < click_rate.ci_high
    assert revenue.model == pytest.approx(1000 * 2 * 2000 * 0.05, rel=0.1)
    assert compare(viewers(1000, 0.03, 2), viewers(3000, 0.05, 1))[0].verdict == "worse"
    assert compare(viewers(2000, 0.04, 3), viewers(500, 0.04, 4))[0].verdict == "no_difference_shown"


def test_intervals_hold_as_often_as_they_say() -> None:
    held = 0
    for seed in range(300):
        figure = compare(viewers(400, 0.05, seed), viewers(200, 0.04, 1000 + seed))[0]
        held += figure.ci_low is not None and figure.ci_high is not None and figure.ci_low <= 0.01 <= figure.ci_high
    assert 0.92 < held / 300 < 0.98


def test_one_viewer_counted_ten_times_is_no_more_evidence() -> None:
    """Rows of one viewer are one observation: the same totals cut into fewer viewers give a wider interval."""
    many, few = viewers(1000, 0.05, 1), viewers(1000, 0.05, 1).reshape(100, 10, 5).sum(axis=1)
    control = viewers(1000, 0.05, 2)
    few[:, 2] = np.where(np.arange(100) < 50, 2 * few[:, 2].mean(), 0)
    one, other = compare(many, control)[0], compare(few, control)[0]
    assert one.ci_low is not None
    assert other.ci_low is not None
    assert other.ci_low < one.ci_low


_totals = arrays(np.float64, st.tuples(st.integers(0, 60), st.just(5)), elements=st.integers(0, 50).map(float))


@given(_totals, _totals)
def test_whatever_was_counted_there_is_an_answer_and_no_claim_on_thin_evidence(model: np.ndarray, control: np.ndarray) -> None:
    for figure in compare(model, control):
        assert not any(value is not None and not np.isfinite(value) for value in (figure.model, figure.control, figure.difference, figure.relative))
        assert (figure.ci_low is None) == (figure.verdict == "not_enough_evidence")
        if min(len(model), len(control)) < 50:
            assert figure.verdict == "not_enough_evidence"


def decision(at: datetime, *, viewer: int | None, control: bool, version: int | None) -> Decision:
    key = ids.new_id(at)
    return Decision.objects.create(
        id=key, day=ids.day_of(key), decided_at=at, session=uuid.uuid4(), viewer=uuid.UUID(int=viewer) if viewer else None, break_id="b1",
        request={}, state={}, slots=[], explanation={}, model_version=version, control=control,
    )  # fmt: skip


def happened(made: Decision, kind: str, **fields: Any) -> None:
    AdEvent.objects.create(
        id=ids.derived_id(made.id, 0, kind), day=made.day, type=kind, occurred_at=made.decided_at, received_at=made.decided_at, decision=made.id,
        slot=0, session=made.session, ad=1, flight=1, campaign=1, **fields,
    )  # fmt: skip


@pytest.mark.django_db
def test_each_version_is_compared_with_the_control_breaks_of_its_own_time() -> None:
    ensure_partitions([(NOW - timedelta(days=back)).date() for back in range(4)])
    ad = make_ad()
    for day, version in ((3, 1), (1, 2)):
        for minute in range(3):
            at = NOW - timedelta(days=day) + timedelta(minutes=minute)
            made = decision(at, viewer=1 + minute // 2, control=False, version=version)
            happened(made, "ad.impression")
        kept = decision(NOW - timedelta(days=day) + timedelta(minutes=1), viewer=9, control=True, version=None)
        happened(kept, "ad.impression")
        happened(kept, "ad.click", valid=version == 1)
        LedgerEntry.objects.create(
            decision=kept.id, slot=0, kind="impression", flight=ad.flight, campaign=ad.flight.campaign, advertiser=ad.flight.campaign.advertiser, ad=ad,
            amount_micros=700, event=uuid.uuid4(), occurred_at=NOW, booked_at=NOW,
        )  # fmt: skip
    decision(NOW - timedelta(days=2), viewer=None, control=False, version=None)
    decision(NOW - timedelta(minutes=1), viewer=9, control=True, version=None)

    found = lift(until=NOW, days=7)
    assert [item.model_version for item in found.versions] == [2, 1]
    newest, oldest = found.versions
    assert (newest.model.breaks, newest.model.viewers, newest.model.impressions) == (3, 2, 3)
    assert (newest.control.breaks, newest.control.clicks, oldest.control.clicks) == (1, 0, 1)
    assert (found.overall.model.breaks, found.overall.control.breaks, found.overall.control.revenue_micros) == (6, 2, 1400)
    assert {figure.verdict for figure in found.overall.figures} == {"not_enough_evidence"}


@pytest.mark.django_db
def test_before_any_model_served_there_is_nothing_to_compare() -> None:
    found = lift(until=NOW)
    assert (found.versions, found.overall.model.breaks) == ((), 0)
    out = io.StringIO()
    call_command("lift", stdout=out)
    assert "nothing to compare" in out.getvalue()


@pytest.mark.django_db
def test_the_command_prints_a_table_and_json() -> None:
    now = timezone.now()
    ensure_partitions([now.date(), (now - timedelta(days=1)).date()])
    happened(decision(now - timedelta(hours=1), viewer=1, control=False, version=4), "ad.impression")
    text, answer = io.StringIO(), io.StringIO()
    call_command("lift", "--days", "2", stdout=text)
    call_command("lift", "--json", stdout=answer)
    assert "version 4" in text.getvalue()
    assert "not enough evidence" in text.getvalue()
    assert json.loads(answer.getvalue())["versions"][0]["model"]["impressions"] == 1
    with pytest.raises(CommandError, match="at least one day"):
        call_command("lift", "--days", "0")
