"""The figures of the page on experiments against SQL by hand, over exposures, events and readings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adplatform.experiments.services import experiment_stop
from adplatform.models import Experiment, ExperimentReading
from insights.live.experiments import stream
from insights.live.experiments.ribbon import MOST_LOOKS, ribbon
from insights.live.streams import BadStream, parse
from tests.adplatform.experiments.units import NOW, START, expose, running
from tests.insights.live.experiments.trial import EVERY, looked_at_once, looks, watched
from tests.insights.live.facts import watched as played

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    stream.forget()
    yield
    stream.forget()


def built(key: str | None = None, now: Any = NOW) -> Any:
    """As the page gets it."""
    return json.loads(json.dumps(stream.build(parse("experiments" if key is None else f"experiments?experiment={key}"), now), allow_nan=False))


def sql(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def test_units_means_and_intervals_are_those_of_the_rows() -> None:
    experiment = watched()
    looks(experiment)
    shown = built(experiment.key)["experiment"]

    by_arm = dict(sql("SELECT arm, count(DISTINCT unit) FROM adplatform_assignment WHERE experiment_id = %s GROUP BY arm", experiment.pk))
    assert {arm["name"]: arm["units"] for arm in shown["arms"]} == by_arm == {"control": 150, "bolder": 150}
    means = dict(
        sql(
            "SELECT a.arm, count(DISTINCT e.session)::float8 / count(DISTINCT a.session) FROM adplatform_assignment a"
            " LEFT JOIN engagement_playbackevent e ON e.session = a.session AND e.type = 'playback.end' AND e.valid"
            " WHERE a.experiment_id = %s GROUP BY a.arm",
            experiment.pk,
        )
    )
    (row,) = [row for row in shown["rows"] if row["metric"] == "film_completion"]
    assert (row["control_mean"], row["mean"]) == pytest.approx((means["control"], means["bolder"]))
    assert means == pytest.approx({"control": 51 / 150, "bolder": 75 / 150})
    ((effect, low, high, left, share, share_low, share_high, best),) = sql(
        "SELECT effect, low, high, variance_left, (figures->>'change')::float8, (figures->>'change_low')::float8, (figures->>'change_high')::float8,"
        " (figures->'guard'->>'best')::float8"
        " FROM adplatform_experimentreading WHERE experiment_id = %s AND metric = 'film_completion' ORDER BY at DESC LIMIT 1",
        experiment.pk,
    )
    assert row["effect"] == {"value": effect, "low": low, "high": high}
    assert row["change"] == row["gain"] == {"value": share, "low": share_low, "high": share_high}
    assert row["variance_left"] == left
    assert shown["decided"] == [{name: value for name, value in row.items() if name != "metric"}]
    assert [(guard["gain"], guard["best_gain"], guard["broken"]) for guard in shown["guardrails"]] == [(share, best, False)]
    assert built()["experiments"][0]["decided"] == shown["decided"]


def test_new_units_of_each_day_are_those_exposed_on_it_and_the_pace_is_that_of_the_last_day() -> None:
    experiment = watched()
    looks(experiment)
    shown = built(experiment.key)["experiment"]
    # A unit is new on the day of the first look that could see it.
    counted = sql(
        "SELECT date_trunc('day', seen.at, 'UTC'), count(*) FILTER (WHERE arm = 'control'), count(*) FILTER (WHERE arm = 'bolder')"
        " FROM adplatform_assignment a CROSS JOIN LATERAL (SELECT min(at) AS at FROM adplatform_experimentreading WHERE at > a.exposed_at) seen"
        " WHERE a.experiment_id = %s GROUP BY 1 ORDER BY 1",
        experiment.pk,
    )
    assert [day["units"] for day in shown["days"]] == [*([control, bolder] for _, control, bolder in counted), [0, 0]]
    assert counted[0][1:] == (50, 50)
    before, after = START + timedelta(days=1), START + timedelta(days=2)
    ((last_day,),) = sql(
        "SELECT count(*) FROM adplatform_assignment WHERE experiment_id = %s AND arm = 'bolder' AND exposed_at >= %s AND exposed_at < %s",
        experiment.pk, before, after,
    )  # fmt: skip
    assert [arm["units_a_day"] for arm in shown["arms"]] == [last_day, last_day] == [50, 50]


def test_the_share_of_synthetic_sessions_is_that_of_its_days() -> None:
    watched()
    for days, sessions, synthetic in ((-2, 100, True), (0, 30, True), (1, 10, False)):
        played(START + timedelta(days=days), sessions=sessions, synthetic=synthetic)
    assert built()["experiments"][0]["synthetic"] == 0.75


def test_the_ribbon_holds_every_look_and_no_more_than_fit() -> None:
    experiment = watched()
    looks(experiment)
    found = ribbon(experiment, "film_completion")
    (arm,) = found["arms"]
    rows = sql(
        "SELECT at, effect, low, high, units FROM adplatform_experimentreading WHERE experiment_id = %s AND metric = 'film_completion' ORDER BY at",
        experiment.pk,
    )
    assert len(rows) == 4
    assert list(zip(arm["at"], arm["effect"], arm["low"], arm["high"], arm["units"], strict=True)) == [(at.isoformat(), *rest) for at, *rest in rows]
    assert arm["effect"][0] is None and arm["effect"][-1] is not None
    assert (found["worst"], found["unit"]) == (0.1, "of the sessions")

    last = rows[-1][0]
    ExperimentReading.objects.bulk_create(
        ExperimentReading(
            experiment=experiment, at=last + timedelta(minutes=10 * number), metric="film_completion", arm="bolder", units=9, control_units=9,
            effect=number, low=number - 1, high=number + 1,
        )
        for number in range(1, 1_000)
    )  # fmt: skip
    (arm,) = ribbon(experiment, "film_completion")["arms"]
    assert 100 < len(arm["at"]) <= MOST_LOOKS
    assert arm["at"] == sorted(arm["at"])
    assert (arm["at"][0], arm["effect"][-1]) == (rows[0][0].isoformat(), 999)


def test_how_many_experiments_there_are_costs_no_further_query() -> None:
    ContentType.objects.get_for_model(Experiment)
    counts = []
    for keys in (["one"], [f"other-{number}" for number in range(7)]):
        for key in keys:
            looked_at_once(key)
        stream.forget()
        with CaptureQueriesContext(connection) as queries:
            shown = built()
        counts.append(len(queries))
    assert len(shown["experiments"]) == 8
    assert counts[0] == counts[1] <= 5


def test_they_come_running_first_then_drafts_then_what_ended() -> None:
    running(key="ended", state="stopped", stopped_at=NOW)
    running(key="draft", state="draft", started_at=None, arms=[])
    running(key="runs")
    assert [(one["key"], one["state"]) for one in built()["experiments"]] == [("runs", "running"), ("draft", "draft"), ("ended", "stopped")]


def test_who_moved_it_stands_beside_it_in_words() -> None:
    experiment = running()
    experiment_stop(actor=User.objects.create_user("lead"), experiment=experiment, now=NOW)
    (move,) = built()["experiments"][0]["moved"]
    assert (move["who"], move["words"]) == ("lead", "stopped it")


def test_a_verdict_says_how_much_longer_at_this_rate() -> None:
    experiment = watched()
    looks(experiment, until=START + EVERY)
    (row,) = built()["experiments"][0]["decided"]
    assert row["words"] == "not enough evidence yet: this arm has 50 of at least 100 units; the control has 50 of at least 100 units"
    assert row["waits"] == "Enough for an interval in about 12 hours at this rate (200 sessions a day)."
    looks(experiment)
    (row,) = built()["experiments"][0]["decided"]
    assert row["label"] == "not yet"
    (after,) = ExperimentReading.objects.filter(at=NOW, metric="film_completion").values_list("figures__clear_after", flat=True)
    days = round((after - 300) / 100)
    assert row["waits"] == f"About {days} days more at this rate (100 sessions a day), if the difference stays."
    experiment_stop(actor=User.objects.create_user("lead"), experiment=experiment, now=NOW)
    (row,) = built()["experiments"][0]["decided"]
    assert (row["label"], row["waits"]) == ("ended undecided", "")


def test_a_metric_that_asks_later_says_from_when_on_it_is_counted() -> None:
    experiment = watched(metric="return_7_days")
    looks(experiment)
    (row,) = built()["experiments"][0]["decided"]
    assert row["waits"] == "Asked of each unit 7 days after its exposure: the first are counted from 25 Nov 08:00 UTC."


def test_without_a_look_it_says_when_the_first_one_comes_and_when_it_is_late() -> None:
    running()
    assert built(now=START)["experiments"][0]["looks"] == "No look yet: the first one comes by 18 Nov 08:10 UTC, then one every 10 minutes."
    assert built(now=NOW)["experiments"][0]["looks"].startswith("The first look was due at 18 Nov 08:10 UTC and has not come")


def test_arms_of_the_wrong_size_are_said_and_no_figure_is_shown() -> None:
    experiment = watched()
    expose(experiment, ["control"] * 200, first=9_000)
    looks(experiment, until=START + EVERY)
    shown = built(experiment.key)["experiment"]
    assert (shown["state"], shown["sizes"]["verdict"]) == ("stopped", "mismatch")
    assert "must not be read" in shown["sizes"]["words"]
    assert "below 0.001 is an alarm" in shown["sizes"]["words"]
    assert {(row["label"], row["effect"], row["mean"]) for row in shown["rows"]} == {("cannot be read", None, None)}


def test_a_key_that_is_none_is_refused_in_words_and_one_that_is_gone_is_said_to_be() -> None:
    assert built("gone") == {"experiment": None}
    with pytest.raises(BadStream, match="not the key of an experiment"):
        parse("experiments?experiment=")
