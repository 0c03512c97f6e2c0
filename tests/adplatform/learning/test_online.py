"""Counters add up in one table and in hashes, travel only when they have changed, and can be set anew at one stroke."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adplatform.eventlog import stream
from adplatform.learning import online
from adplatform.learning.online import EMPTY, Increment, Snapshot, Store, Wanted

STORE = Store(tabled=frozenset({"ad", "title", "all"}), hashed=frozenset({"viewer"}))


def asked(held: Snapshot = EMPTY, viewer: str = "a") -> tuple[Snapshot, np.ndarray]:
    """What one decision reads, in a pipeline that carries other things too."""
    wanted = Wanted(held, {"viewer": viewer})
    with stream.client().pipeline(transaction=False) as pipeline:
        pipeline.get("something else")
        wanted.queue(pipeline)
        snapshot, keyed = wanted.parse(pipeline.execute()[1:])
    return snapshot, keyed["viewer"]


def test_what_was_recorded_is_read_in_the_order_asked() -> None:
    client = stream.client()
    STORE.record(
        client,
        [Increment("ad", 7, "impressions"), Increment("ad", 7, "impressions"), Increment("ad", 7, "clicks"), Increment("ad", 9, "errors", 3)],
    )
    STORE.record(client, [Increment("ad", 7, "skips"), Increment("viewer", "a", "completes")])
    counts = STORE.read(client, {"ad": [9, 7, 8, 7], "viewer": ["b", "a"], "all": ["all"]})
    assert counts["ad"].tolist() == [[0, 0, 0, 0, 3], [2, 1, 0, 1, 0], [0] * 5, [2, 1, 0, 1, 0]]
    assert counts["viewer"].tolist() == [[0] * 5, [0, 0, 1, 0, 0]]
    assert counts["all"].tolist() == [[0] * 5]


@given(st.lists(st.integers(0, 2**62), max_size=20))
def test_ids_have_the_same_keys_one_by_one_and_together(ids: list[int]) -> None:
    assert online.table_keys("ad", np.array(ids, dtype=np.int64)).tolist() == [online.table_key("ad", one) for one in ids]


def test_before_anything_was_counted_everything_is_zero() -> None:
    snapshot, viewer = asked()
    assert snapshot.of_keys(online.table_keys("ad", [1, 2])).tolist() == viewer.tolist() * 2 == [[0] * 5] * 2


def test_the_table_travels_only_to_who_holds_another_state_of_it() -> None:
    STORE.record(stream.client(), [Increment("ad", 1, "clicks")])
    first, _ = asked()
    again, _ = asked(first)
    assert again is first
    STORE.record(stream.client(), [Increment("ad", 1, "clicks"), Increment("viewer", "a", "clicks")])
    later, viewer = asked(first)
    keys = online.table_keys("ad", [1])
    assert (first.of_keys(keys)[0, 1], later.of_keys(keys)[0, 1], viewer[0, 1]) == (1, 2, 1)


def test_who_has_read_that_nothing_was_counted_is_sent_nothing_again() -> None:
    held, _ = asked()
    assert asked(held)[0] is held


def test_a_table_that_redis_lost_is_noticed() -> None:
    STORE.record(stream.client(), [Increment("ad", 1, "clicks")])
    held, _ = asked()
    stream.client().delete(online.TABLE, online.STATE)
    lost, _ = asked(held)
    assert lost.of_keys(online.table_keys("ad", [1])).sum() == 0
    STORE.record(stream.client(), [Increment("ad", 2, "clicks"), Increment("ad", 1, "clicks")])
    begun, _ = asked(lost)
    assert begun.of_keys(online.table_keys("ad", [1, 2]))[:, 1].tolist() == [1, 1]


def test_rebuilding_replaces_everything_and_counting_goes_on() -> None:
    client = stream.client()
    STORE.record(client, [Increment("ad", 1, "clicks"), Increment("ad", 2, "clicks"), Increment("viewer", "a", "clicks")])
    before, _ = asked()
    STORE.replace(client, [Increment("ad", 1, "clicks", 40), Increment("title", 3, "clicks", 2), Increment("viewer", "b", "clicks")])
    STORE.record(client, [Increment("ad", 1, "clicks"), Increment("ad", 5, "clicks")])
    after, _ = asked(before)
    assert after.of_keys(online.table_keys("ad", [1, 2, 5]))[:, 1].tolist() == [41, 0, 1]
    counts = STORE.read(client, {"viewer": ["a", "b"], "title": [3]})
    assert (counts["viewer"][:, 1].tolist(), counts["title"][0, 1]) == ([0, 1], 2)


def test_a_count_never_falls_below_nothing() -> None:
    STORE.record(stream.client(), [Increment("ad", 1, "clicks", -3)])
    assert asked()[0].of_keys(online.table_keys("ad", [1]))[0, 1] == 0


@pytest.mark.parametrize(
    ("increment", "words"), [(Increment("ad", 1, "likes"), "completes, skips, errors"), (Increment("moon", 1, "clicks"), "ad, all")]
)
def test_what_nobody_reads_is_refused(increment: Increment, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        STORE.record(stream.client(), [increment])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(online.COUNTERS), st.integers(1, 5)), max_size=6), max_size=5))
def test_batches_add_up_however_they_are_cut(batches: list[list[tuple[int, str, int]]]) -> None:
    client = stream.client()
    STORE.replace(client, [])
    for batch in batches:
        STORE.record(client, [Increment("ad", ad, counter, by) for ad, counter, by in batch])
    expected = np.zeros((10, len(online.COUNTERS)))
    for ad, counter, by in (one for batch in batches for one in batch):
        expected[ad, online.COUNTERS.index(counter)] += by
    assert np.array_equal(asked()[0].of_keys(online.table_keys("ad", np.arange(10))), expected)


def test_smoothing_goes_from_the_prior_to_the_data() -> None:
    trials = np.array([0.0, 100.0, 1e9])
    rates = online.smoothed(trials * 0.2, trials, 0.02, 100.0)
    np.testing.assert_allclose(rates, [0.02, 0.11, 0.2], rtol=1e-5)
