"""Counters come back in the order they were asked for, add up, and can be set anew at one stroke."""

from __future__ import annotations

import numpy as np
import pytest

from adplatform.eventlog import stream
from adplatform.learning import online
from adplatform.learning.online import Increment, Wanted


def test_what_was_recorded_is_read_in_the_order_asked() -> None:
    client = stream.client()
    online.record(
        client,
        [Increment("ad", 7, "impressions"), Increment("ad", 7, "impressions"), Increment("ad", 7, "clicks"), Increment("ad", 9, "completes", 3)],
    )
    counts = online.read(client, Wanted({"ad": [9, 7, 8, 7], "viewer": [], "all": ["all"]}))
    assert counts["ad"].tolist() == [[0, 0, 3], [2, 1, 0], [0, 0, 0], [2, 1, 0]]
    assert counts["viewer"].shape == (0, 3)
    assert counts["all"].tolist() == [[0, 0, 0]]


def test_a_pipeline_of_others_can_carry_the_reading() -> None:
    client = stream.client()
    online.record(client, [Increment("ad", 1, "clicks")])
    wanted = Wanted({"ad": [1], "title": [4]})
    with client.pipeline(transaction=False) as pipeline:
        pipeline.get("something else")
        queued = wanted.queue(pipeline)
        replies = pipeline.execute()
    assert (len(replies), queued) == (3, 2)
    assert wanted.parse(replies[1:])["ad"].tolist() == [[0, 1, 0]]


def test_rebuilding_replaces_whole_scopes_and_leaves_the_others() -> None:
    client = stream.client()
    online.record(
        client, [Increment("ad", 1, "clicks"), Increment("ad", 2, "clicks"), Increment("viewer", "a", "clicks"), Increment("title", 3, "clicks")]
    )
    online.replace(client, ["ad", "title"], [Increment("ad", 1, "clicks", 40)])
    counts = online.read(client, Wanted({"ad": [1, 2], "viewer": ["a"], "title": [3]}))
    assert counts["ad"][:, 1].tolist() == [40, 0]
    assert (counts["viewer"][0, 1], counts["title"][0, 1]) == (1, 0)


def test_a_counter_nobody_reads_is_refused() -> None:
    with pytest.raises(ValueError, match="there are impressions, clicks, completes"):
        online.record(stream.client(), [Increment("ad", 1, "likes")])


def test_smoothing_goes_from_the_prior_to_the_data() -> None:
    trials = np.array([0.0, 100.0, 1e9])
    rates = online.smoothed(trials * 0.2, trials, 0.02, 100.0)
    np.testing.assert_allclose(rates, [0.02, 0.11, 0.2], rtol=1e-5)
