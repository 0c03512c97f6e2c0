"""The built-in wording: whatever comes back, what is said of it is grounded; and it reads as plain English."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights.chat.analyst import read
from insights.chat.charts import chart
from insights.chat.grounding import Facts, Prose, Ungrounded, grounded
from insights.chat.phrasing import Telling, filter_words, interpretation, template
from insights.chat.reading import Understood
from insights.semantic.compiler import Column
from insights.semantic.loading import parse
from insights.semantic.model import SemanticModel
from insights.semantic.query import BEFORE, CHANGE, GROWTH, SHARE, Filter, Having, Order, Period, SemanticQuery
from insights.semantic.spine import after

from .vocabularies import shipped

NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
PERIOD = Period(start=datetime(2026, 11, 9, tzinfo=UTC), end=datetime(2026, 11, 16, tzinfo=UTC), label="last week (2026-11-09 to 2026-11-15, UTC)")
BASELINE = Period(
    start=datetime(2026, 11, 2, tzinfo=UTC), end=datetime(2026, 11, 9, tzinfo=UTC), label="the week before (2026-11-02 to 2026-11-08, UTC)"
)
MODEL: SemanticModel = parse(
    """
name: test
dimensions:
  campaign: {label: campaign, plural: campaigns}
  device: {label: top 3 device, plural: top 3 devices}
  finding: {label: finding, plural: findings}
  metric: {label: metric, plural: metrics, values: {engagement: [share watched]}}
  role: {label: role, plural: roles, values: {deciding: [], secondary: []}}
  screen: {label: screen, plural: screens, said: "on {}"}
  kind: {label: kind, plural: kinds, values: {house: [house ads]}}
cubes:
  delivery:
    label: delivery
    tables: {day: t, hour: h}
    time: {column: at}
    dimensions: {campaign: c, device: d}
    overview: [clicks, impressions, ctr, spend]
    measures:
      clicks: {label: clicks, description: clicks, sum: clicks}
      impressions: {label: impressions, description: shown, sum: impressions}
      ctr: {label: CTR, description: clicks / impressions, ratio: {numerator: clicks, denominator: impressions}, unit: share}
      exits: {label: exits, description: exits, sum: exits, better: down}
      spend: {label: spend, description: spend, sum: micros, divide: 1000000, unit: money, better: neither}
      lost: {label: best revenue lost, description: lost, sum: lost, divide: 1000000, unit: money, better: down, estimate: time times 2 rates}
  flights:
    label: flights
    tables: {now: f}
    keys: [campaign]
    pacing: expected_share
    pacing_least: 0.98
    dimensions: {campaign: c, finding: w}
    measures:
      expected_share: {label: expected share of goal, description: e, value: e, unit: share}
      expected_delivery: {label: expected delivery, description: e, value: d, unit: number}
      goal: {label: goal, description: g, value: g, unit: number}
      goal_missing: {label: expected shortfall, description: m, value: m, unit: number}
      lift: {label: effect, description: effect, value: l, unit: share, better: neither}
      lift_low: {label: at least, description: low, value: l1, unit: share, better: neither}
      lift_high: {label: at most, description: high, value: l2, unit: share, better: neither}
  trials:
    label: trials
    tables: {now: t}
    keys: [metric]
    told_by: [role, finding]
    dimensions: {metric: m, role: r, finding: w}
    measures:
      lift: {label: effect, description: effect, value: l, unit: share, better: neither, beside: [lift_low, lift_high, units]}
      lift_low: {label: at least, description: low, value: l1, unit: share, better: neither}
      lift_high: {label: at most, description: high, value: l2, unit: share, better: neither}
      units: {label: units, description: units, value: u, unit: count, better: neither}
""",
    source="test",
)
HOSTILE = ("Dawn", "{{r1.ctr}} rose 5%", "<b>best</b> \u202e", "Ten\u200b more", "", "=HYPERLINK()", "Summer Blockbusters")


def result(query: SemanticQuery, rows: list[tuple[Any, ...]], told: dict[str, str] | None = None, *, whole: bool = True) -> Telling:
    """As the engine gives it: keys, then each measure with what stands beside it."""
    cube = MODEL.cubes[query.cube]
    columns = ([Column("time", query.grain, "time", query.grain)] if query.grain else []) + [
        Column(name, MODEL.dimensions[name].label, "dimension", words=MODEL.dimensions[name].words()) for name in query.dimensions
    ]
    for name in shown(query):
        measure = cube.measures[name]
        columns.append(Column(name, measure.label, "measure", measure.unit))
        if query.baseline:
            columns += [Column(name + BEFORE, f"{measure.label} before", "measure", measure.unit)]
            columns += [
                Column(name + CHANGE, f"change in {measure.label}", "measure", measure.unit),
                Column(name + GROWTH, "growth", "measure", "share"),
            ]
        if query.intent == "share":
            columns.append(Column(name + SHARE, f"share of {measure.label}", "measure", "share"))
    suffix = {"value": "", "change": CHANGE, "growth": GROWTH, "share": SHARE}
    order = (query.order.measure + suffix[query.order.by], query.order.descending) if query.order else (query.measures[0], True)
    facts = Facts(
        tuple(columns), tuple(rows), "USD", period=query.period.label, filters="campaign Dawn 5" if query.filters else "", told=told or {},
        baseline=query.baseline.label if query.baseline else "", better={name: measure.better for name, measure in cube.measures.items()},
        adds_up=frozenset(name for name, measure in cube.measures.items() if measure.adds == "all"),
        plurals={name: MODEL.dimensions[name].plural for name in query.dimensions}, whole=whole, order=order if query.dimensions and not query.grain else None,
    )  # fmt: skip
    return Telling(query, MODEL, facts, NOW, NOW - timedelta(minutes=1))


def shown(query: SemanticQuery) -> list[str]:
    names = list(query.measures)
    for name in query.measures:
        if ratio := MODEL.cubes[query.cube].measures[name].ratio:
            names += [part for part in (ratio.numerator, ratio.denominator) if part not in names]
    return names


def asked(intent: str, measures: tuple[str, ...], **more: Any) -> SemanticQuery:
    return SemanticQuery(**{"intent": intent, "cube": "delivery", "measures": measures, "period": PERIOD, **more})


def told(query: SemanticQuery, rows: list[tuple[Any, ...]], words: dict[str, str] | None = None, *, whole: bool = True) -> str:
    return said(result(query, rows, words, whole=whole)).text


def said(telling: Telling) -> Prose:
    return grounded(template(telling), telling.facts)


LAST_WEEK = "For last week (2026-11-09 to 2026-11-15, UTC)"
WEEK_BEFORE = "the week before (2026-11-02 to 2026-11-08, UTC)"


@pytest.mark.parametrize(
    ("query", "rows", "words"),
    [
        (asked("value", ("clicks",)), [(1200,)], f"{LAST_WEEK}, clicks were 1,200."),
        (asked("value", ("clicks",)), [(0,)], f"{LAST_WEEK}, clicks were 0. That was counted; it is not missing."),
        (asked("value", ("ctr",)), [(None, 0, 0)], f"{LAST_WEEK}, CTR is unknown, as impressions were 0."),
        (
            asked("overview", ("clicks", "ctr")), [(1, 0.5, 2)],
            f"{LAST_WEEK}: 1 click and CTR 50.00%.",
        ),
        (
            asked("compare", ("clicks",), baseline=BASELINE), [(120, 100, 20, 0.2)],
            f"{LAST_WEEK}, clicks were 120, up 20.0% from 100 in {WEEK_BEFORE}.",
        ),
        (
            asked("compare", ("exits",), baseline=BASELINE), [(120, 100, 20, 0.2)],
            f"{LAST_WEEK}, exits were 120, up 20.0% from 100 in {WEEK_BEFORE}, which is worse.",
        ),
        (
            asked("compare", ("clicks",), baseline=BASELINE), [(3, 0, 3, None)],
            f"{LAST_WEEK}, clicks were 3, up 3 from 0 in {WEEK_BEFORE}.",
        ),
        (
            asked("compare", ("clicks",), baseline=BASELINE), [(None, 10, None, None)],
            f"{LAST_WEEK}, clicks are unknown, against 10 in {WEEK_BEFORE}.",
        ),
        (
            asked("rank", ("clicks",), dimensions=("campaign",), order=Order(measure="clicks")), [("Dawn", 9), ("Ritual", 3)],
            f"{LAST_WEEK}, Dawn had the most clicks: 9. Next: Ritual (3).",
        ),
        (
            asked("rank", ("clicks",), dimensions=("campaign",), order=Order(measure="clicks", by="change"), baseline=BASELINE),
            [("Dawn", 9, 3, 6, 2.0), ("Ritual", 3, 4, -1, -0.25)],
            f"{LAST_WEEK}, Dawn rose the most in clicks compared with {WEEK_BEFORE}: by 200.0%, from 3 to 9. Next: Ritual (down 25.0%).",
        ),
        (
            asked("breakdown", ("clicks",), dimensions=("campaign",)), [("Dawn", 9), ("Ritual", 3), ("Spot", None)],
            f"{LAST_WEEK}, Dawn has the most clicks (9) and Ritual the fewest (3), among 3 campaigns.",
        ),
        (
            asked("compare", ("clicks",), dimensions=("campaign",)), [("Dawn", 9), ("Ritual", 3)],
            f"{LAST_WEEK}, Dawn had more clicks, 9, against Ritual with 3: 200.0% apart.",
        ),
        (
            asked("share", ("clicks",), dimensions=("campaign",)), [("Dawn", 9, 0.75), ("Ritual", 3, 0.25)],
            f"{LAST_WEEK}, Dawn had the largest share of clicks, 75.00% (9). Next: Ritual 25.00% (3).",
        ),
        (
            asked("share", ("clicks",), dimensions=("campaign",), focus=(Filter(dimension="campaign", values=(1,)),)), [("Dawn", 9, 0.75)],
            f"{LAST_WEEK}, Dawn accounts for 75.00% of clicks (9).",
        ),
        (
            asked("trend", ("clicks",), grain="day"), [("2026-11-09", 10), ("2026-11-10", 4), ("2026-11-11", 7)],
            f"{LAST_WEEK}, clicks by day: from 10 on 2026-11-09 to 7 on 2026-11-11, down 30.0%; highest 2026-11-09 with 10, "
            "lowest 2026-11-10 with 4. In all: 21.",
        ),
        (
            asked("trend", ("clicks",), grain="day"), [("2026-11-19", 10), ("2026-11-20", 11), ("2026-11-21", 7)],
            f"{LAST_WEEK}, clicks by day: from 10 on 2026-11-19 to 11 on 2026-11-20, up 10.0%; highest 2026-11-20 with 11, "
            "lowest 2026-11-21 with 7. In all: 28. 2026-11-21 is not complete yet.",
        ),
        (
            asked("breakdown", ("clicks",), dimensions=("weekday",)), [(1, 10), (2, 4)],
            f"{LAST_WEEK}, Monday has the most clicks (10) and Tuesday the fewest (4), among 2 weekdays. These are totals over the whole period, not averages.",
        ),
    ],
)  # fmt: skip
def test_it_reads_as_plain_english(query: SemanticQuery, rows: list[tuple[Any, ...]], words: str) -> None:
    assert told(query, rows) == words


def test_goals_that_will_be_missed_are_told_with_how_far_and_none_where_none_will() -> None:
    query = asked("pacing", ("expected_share",), cube="flights", dimensions=("campaign",), period=Period())
    words = {"as_of": "2026-11-21 18:00 UTC", "behind": "1", "of": "2"}
    assert told(query, [("Dawn", 1.1), ("Ritual", 0.8)], words) == (
        "As things stand at 2026-11-21 18:00 UTC, 1 of 2 campaigns is expected to miss the goal. "
        "Ritual is expected to reach 80.00% of its goal, 20.00% short."
    )
    assert told(query, [("Dawn", 1.1)], words | {"of": "1", "behind": "0"}) == (
        "As things stand at 2026-11-21 18:00 UTC, Dawn is expected to reach its goal (110.00%)."
    )


def test_a_rank_of_one_has_no_highest() -> None:
    query = asked("rank", ("clicks",), dimensions=("campaign",), order=Order(measure="clicks"))
    assert told(query, [("Dawn", 9)]) == f"{LAST_WEEK}: Dawn: 9 clicks."


def test_what_a_follow_up_no_longer_limits_is_said_in_the_interpretation() -> None:
    query = asked("breakdown", ("clicks",), dimensions=("campaign",))
    assert "by campaign · all campaigns · " in interpretation(query, MODEL, widened=("campaign",))
    before = SemanticQuery(
        intent="value", cube="delivery", measures=("impressions",), filters=(Filter(dimension="device", values=("tv",), labels=("tv",)),)
    )
    reading = read("and by device?", shipped(), now=NOW, previous=before)
    assert isinstance(reading, Understood)
    assert reading.widened == ("device",)


def test_a_goal_missed_by_less_than_the_model_allows_is_on_track() -> None:
    query = asked("pacing", ("expected_share",), cube="flights", dimensions=("campaign",), period=Period())
    assert told(query, [("Dawn", 0.99)], {"of": "1", "behind": "0"}) == "As things stand, Dawn is on track for its goal (99.00%)."
    text = told(query, [("Ritual", 0.8), ("Dawn", 0.99)], {"behind": "1", "of": "2"})
    assert "1 of 2 campaigns is expected to miss the goal. Ritual" in text and "Dawn" not in text


def test_a_goal_that_will_be_missed_is_told_in_what_it_counts() -> None:
    query = asked(
        "pacing", ("expected_share", "expected_delivery", "goal", "goal_missing"), cube="flights", dimensions=("campaign",), period=Period()
    )
    assert told(query, [("Dawn", 0.8, 800, 1000, 200)], {"of": "1", "behind": "1", "counts_1": "impressions"}) == (
        "As things stand, Dawn is expected to reach 80.00% of its goal: 800 of 1,000 impressions, 200 short."
    )


def test_an_experiment_without_effects_says_what_was_counted_and_one_with_them_puts_the_deciding_metric_first() -> None:
    query = asked("breakdown", ("lift", "lift_low", "lift_high", "units"), cube="trials", dimensions=("metric", "role", "finding"), period=Period())
    verdict = "not enough evidence yet: 0 of at least 100 units"
    nothing = [("minutes", "secondary", verdict, None, None, None, 0), ("engagement", "deciding", verdict, None, None, None, 0)]
    assert told(query, nothing) == f"As things stand, effect cannot be told yet for any of 2 readings (units 0): {verdict}."
    effects = [("minutes", "secondary", "not yet clear", 0.01, -0.02, 0.04, 900), ("engagement", "deciding", "better", 0.05, 0.02, 0.08, 900)]
    assert told(query, effects) == (
        "As things stand, effect with its interval: share watched 5.00%, from 2.00% to 8.00%: better; "
        "minutes 1.00%, from -2.00% to 4.00%: not yet clear."
    )


def test_what_figures_were_limited_to_reads_as_it_is_said() -> None:
    query = asked("value", ("clicks",))
    limited = query.model_copy(
        update={
            "filters": (Filter(dimension="screen", values=("tv",)), Filter(dimension="kind", values=("house",), labels=("house ads",), op="not_in"))
        }
    )
    assert filter_words(limited, MODEL) == "on tv, without house ads"


def test_measured_values_come_with_their_interval_and_the_verdict_on_record() -> None:
    query = asked("overview", ("lift", "lift_low", "lift_high"), cube="flights", dimensions=("campaign", "finding"), period=Period())
    assert told(query, [("director", "surely better: 2 arms", 0.04, 0.01, 0.07)]) == (
        "As things stand, effect with its interval: director 4.00%, from 1.00% to 7.00%: surely better: 2 arms."
    )


def test_a_threshold_says_how_many_of_how_many() -> None:
    query = asked("breakdown", ("ctr",), dimensions=("campaign",), having=(Having(measure="ctr", op="gt", value=0.01),))
    words = {"of": "14", "condition": "CTR above 1.00%"}
    assert told(query, [("Dawn", 0.02, 2, 100)], words) == f"{LAST_WEEK}, 1 of 14 campaigns had CTR above 1.00%: Dawn (2.00%)."


def test_an_estimate_says_that_it_is_one_and_how_it_is_made() -> None:
    words = told(asked("value", ("lost",)), [(12.5,)], {"estimate_lost": "time times 2 rates"})
    assert words == f"{LAST_WEEK}, best revenue lost was $12.50. It is an estimate: time times 2 rates."


FIGURE = st.one_of(st.none(), st.just(0), st.integers(0, 10**9), st.floats(-1e6, 1e6, allow_nan=False))
MEASURES = st.lists(st.sampled_from(["clicks", "impressions", "ctr", "exits", "spend", "lost"]), min_size=1, max_size=3, unique=True).map(tuple)


def figures(draw: st.DrawFn, query: SemanticQuery) -> list[Any]:
    cells: list[Any] = []
    for _ in shown(query):
        value = draw(FIGURE)
        cells.append(value)
        if query.baseline:
            before = draw(FIGURE)
            change = None if value is None or before is None else value - before
            cells += [before, change, None if change is None or not before else change / abs(before)]
        if query.intent == "share":
            cells.append(None if value is None else draw(st.floats(0, 1)))
    return cells


@st.composite
def results(draw: st.DrawFn) -> Telling:
    """Any question over any rows, in the order in which the engine would give them."""
    intent = draw(st.sampled_from(["value", "overview", "breakdown", "rank", "trend", "compare", "share"]))
    measures, baseline = draw(MEASURES), draw(st.sampled_from([None, BASELINE]))
    least = 1 if intent in ("breakdown", "rank", "share") else 0
    dimensions = (
        ()
        if intent in ("value", "overview")
        else tuple(draw(st.lists(st.sampled_from(["campaign", "device", "weekday"]), min_size=least, max_size=2, unique=True)))
    )
    kinds = ["value", *(["change", "growth"] if baseline else []), *(["share"] if intent == "share" else [])]
    order = Order(measure=measures[0], descending=draw(st.booleans()), by=draw(st.sampled_from(kinds))) if intent == "rank" else None
    filters = (Filter(dimension="campaign", values=(1,), labels=("Dawn",)),) if draw(st.booleans()) else ()
    query = asked(
        intent, measures, dimensions=dimensions, baseline=baseline, order=order, filters=filters, grain="day" if intent == "trend" else None
    )
    count = draw(st.integers(1, 8)) if dimensions or query.grain else 1
    rows: list[tuple[Any, ...]] = []
    for number in range(count):
        time = [after(datetime(2026, 11, 15, tzinfo=UTC), "day", number).date().isoformat()] if query.grain else []
        names = [draw(st.integers(1, 7)) if name == "weekday" else draw(st.sampled_from(HOSTILE)) for name in dimensions]
        rows.append((*time, *names, *figures(draw, query)))
    telling = result(query, rows, {"estimate_lost": "5 times the best"}, whole=draw(st.booleans()))
    if telling.facts.order:
        column, falling = telling.facts.order
        place = telling.facts.column(column)
        known = sorted((row for row in rows if row[place] is not None), key=lambda row: row[place], reverse=falling)
        telling = replace(telling, facts=replace(telling.facts, rows=(*known, *(row for row in rows if row[place] is None))))
    return telling


@given(results())
@settings(max_examples=150, deadline=None)
def test_whatever_comes_back_every_word_of_it_is_grounded(telling: Telling) -> None:
    if all(value is None for name in shown(telling.query) for value in telling.facts.known(name)) and not any(
        map(telling.facts.known, shown(telling.query))
    ):
        return  # nothing there: that is told elsewhere
    try:
        prose = said(telling)
    except Ungrounded as problem:
        pytest.fail(f"{problem}: {template(telling)} of {telling.facts.rows}")
    assert prose.text.endswith(".")
    assert "{{" not in prose.text.replace("{{r1.ctr}} rose 5%", "")
    spec = chart(telling.query, telling.facts, telling.cube)
    assert spec is None or all(telling.facts.has(name) for name in [*spec["y"], *([spec["x"]] if spec["x"] else [])])
