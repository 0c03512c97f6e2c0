"""Every measure of every cube against SQL written by hand over the tables themselves, and who may reach which of them."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ads.decision.explanation import REASONS
from ads.decision.stages import of_breaks, stage_of
from ads.models import Ad, DeliveryDay, UnfilledDay
from ads.validity.reasons import REASONS as INVALID_REASONS
from insights.chat.text import stems
from insights.checks import the_semantic_model_fits
from insights.live.business.risk import at_risk
from insights.live.business.scope import Scope as LiveScope
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.check import misfits
from insights.semantic.grants import reach
from insights.semantic.loading import load, parse
from insights.semantic.model import SemanticModel
from insights.semantic.query import Period, SemanticQuery
from insights.semantic.read import figures

from ..business import NOW, TODAY, Business

MODEL = load()
WEEK = Period(start=datetime(2026, 11, 9, tzinfo=UTC), end=datetime(2026, 11, 16, tzinfo=UTC), label="last week")
pytestmark = pytest.mark.django_db(databases=["default", "insights"])


def during(column: str) -> str:
    return f"{column} >= '2026-11-09' AND {column} < '2026-11-16'"


# Of each cube with a time: its tables in that week, and each measure over them.
GOLD: dict[str, tuple[str, dict[str, str]]] = {
    "ledger": (f"ads_ledgerentry WHERE {during('booked_at')}", {"spend": "sum(amount_micros) / 1e6"}),
    "delivery": (
        f"ads_deliveryday WHERE {during('bucket')}",
        {
            "impressions": "sum(impressions)", "clicks": "sum(clicks)", "ctr": "sum(clicks)::float8 / sum(impressions)",
            "completed_views": "sum(completed_views)", "completion_rate": "sum(completed_views)::float8 / sum(impressions)",
            "first_quartiles": "sum(first_quartiles)", "midpoints": "sum(midpoints)", "third_quartiles": "sum(third_quartiles)",
            "ad_skips": "sum(skips)", "skip_rate": "sum(skips)::float8 / sum(impressions)", "spend": "sum(revenue_micros) / 1e6",
            "ecpm": "sum(revenue_micros) / 1e3 / sum(impressions)", "cost_per_click": "sum(revenue_micros) / 1e6 / sum(clicks)",
            "ad_errors": "sum(errors)", "invalid_events": "sum(invalid)", "gross_impressions": "sum(gross_impressions)",
            "gross_clicks": "sum(gross_clicks)", "gross_completed_views": "sum(gross_completed_views)",
            "invalid_impressions": "sum(gross_impressions - impressions)",
            "invalid_share": "sum(gross_impressions - impressions)::float8 / sum(gross_impressions)", "invalid_clicks": "sum(gross_clicks - clicks)",
            "reversed_spend": "sum(reversed_micros) / 1e6",
        },
    ),
    "invalid": (f"ads_invalidday WHERE {during('bucket')}", {"invalid_events": "sum(events)"}),
    "breaks": (
        f"ads_breakday WHERE {during('bucket')}",
        {
            "break_requests": "sum(requests)", "filled_breaks": "sum(filled)", "fill_rate": "sum(filled)::float8 / sum(requests)",
            "unfilled_time": "sum(unfilled_milliseconds) / 3.6e6", "slots_offered": "sum(slots_offered)", "slots_filled": "sum(slots_filled)",
            "slot_fill_rate": "sum(slots_filled)::float8 / sum(slots_offered)", "deciding_time": "sum(decision_microseconds) / 1e3",
            "decision_time": "sum(decision_microseconds) / 1e3 / sum(requests)",
        },
    ),
    "unfilled": (f"ads_unfilledday WHERE {during('bucket')}", {"unfilled_time": "sum(milliseconds) / 3.6e6", "unfilled_breaks": "sum(breaks)"}),
    "lost": (
        f"""(SELECT u.*, u.milliseconds * (
            SELECT sum(d.revenue_micros) / sum(d.impressions * m.duration * 1000) FROM ads_deliveryday d
            JOIN ads_ad a ON a.id = d.ad_id JOIN catalog_mediaasset m ON m.id = a.asset_id
            WHERE (d.bucket, d.title_id, d.genre, d.device, d.synthetic) = (u.bucket, u.title_id, u.genre, u.device, u.synthetic)
        ) AS lost FROM ads_unfilledday u WHERE {during('bucket')}) priced""",
        {
            "lost_revenue": "sum(lost) / 1e6", "unfilled_time": "sum(milliseconds) / 3.6e6", "unfilled_breaks": "sum(breaks)",
            "lost_per_hour": "sum(lost) / 1e6 / (sum(milliseconds) / 3.6e6)",
        },
    ),
    "inventory": (
        f"ads_funnelday WHERE {during('bucket')}",
        {
            "considered": "sum(decisions)", "eligible": "sum(decisions) FILTER (WHERE reason IN ('won', 'explored', 'runner_up'))",
            "won_slots": "sum(decisions) FILTER (WHERE reason IN ('won', 'explored'))",
            "dropped": "sum(decisions) FILTER (WHERE reason NOT IN ('won', 'explored'))",
            "eligible_rate": "sum(decisions) FILTER (WHERE reason IN ('won', 'explored', 'runner_up'))::float8 / sum(decisions)",
            "win_rate": "sum(decisions) FILTER (WHERE reason IN ('won', 'explored'))::float8"
            " / sum(decisions) FILTER (WHERE reason IN ('won', 'explored', 'runner_up'))",
        },
    ),
    "playback": (
        f"engagement_playbackday WHERE {during('bucket')}",
        {
            "sessions": "sum(sessions)", "finished": "sum(finished)", "finish_rate": "sum(finished)::float8 / sum(sessions)",
            "watch_time": "sum(watch_milliseconds) / 3.6e6", "exits": "sum(exits)", "rewinds": "sum(rewinds)", "pauses": "sum(pauses)",
            "stall_time": "sum(stall_milliseconds) / 3.6e6", "director_changes": "sum(director_changes)",
        },
    ),
    "ratings": (
        f"engagement_playbackday WHERE {during('bucket')}",
        {"rating_count": "sum(ratings)", "stars": "sum(rating_stars)", "average_rating": "sum(rating_stars)::float8 / sum(ratings)"},
    ),
    "scenes": (
        f"engagement_sceneday WHERE scene_id <> 0 AND {during('day')}",
        {
            "scene_starts": "sum(starts)", "scenes_completed": "sum(completed)", "scene_completion_rate": "sum(completed)::float8 / sum(starts)",
            "scene_leaves": 'sum("left")', "scene_leave_rate": 'sum("left")::float8 / sum(starts)', "left_after": "sum(left_after)",
            "scene_skips": "sum(skipped)", "scene_rewinds": "sum(rewound)", "tight_cuts": "sum(tightened)", "complaints": "sum(complaints)",
            "asked_as_edited": "sum(as_edited)", "scene_time_seen": "sum(seen_milliseconds) / 3.6e6",
            "scene_time_offered": "sum(offered_milliseconds) / 3.6e6", "scene_watched_share": "sum(seen_milliseconds)::float8 / sum(offered_milliseconds)",
        },
    ),
    "director": (
        f"engagement_directordecision d JOIN engagement_directoroutcome o ON o.decision = d.id WHERE {during('d.decided_at')}",
        {
            "director_decisions": "count(*)", "director_changes": "count(*) FILTER (WHERE applied)",
            "director_change_rate": "count(*) FILTER (WHERE applied)::float8 / count(*)", "director_explored": "count(*) FILTER (WHERE explored)",
            "director_suggestions": "count(*) FILTER (WHERE action = 'suggest')", "suggestions_taken": "count(*) FILTER (WHERE taken)",
            "suggestion_rate": "count(*) FILTER (WHERE taken)::float8 / count(*) FILTER (WHERE action = 'suggest')",
            "decisions_reached": "count(*) FILTER (WHERE reached)", "watched_sum": "sum(watched) FILTER (WHERE reached)",
            "watched_judged": "count(watched) FILTER (WHERE reached)", "watched_after": "avg(watched) FILTER (WHERE reached)",
        },
    ),
}  # fmt: skip
# Of each cube without a time: its rows by the keys, in the order of the keys.
STANDING: dict[str, tuple[str, dict[str, str]]] = {
    "flights": (
        """SELECT f.name || f.campaign_id, {} FROM ads_flight f JOIN ads_flightbalance b ON b.flight_id = f.id
        JOIN ads_flightforecast o ON o.flight_id = f.id ORDER BY f.id""",
        {
            "flight_count": "1", "goal": "f.goal_amount", "delivered_so_far": "b.impressions", "expected_delivery": "o.expected_delivery",
            "expected_share": "o.expected_delivery / f.goal_amount", "delivered_share": "b.impressions::float8 / f.goal_amount",
            "goal_missing": "f.goal_amount - o.expected_delivery", "days_left": "extract(epoch FROM f.ends_at - o.computed_at) / 86400",
            "budget": "f.budget_micros / 1e6", "budget_spent": "b.booked_micros / 1e6", "budget_left": "(f.budget_micros - b.booked_micros) / 1e6",
            "budget_spent_share": "b.booked_micros::float8 / f.budget_micros",
            "flights_at_risk": "(f.tier <> 'house' AND o.expected_delivery < 980)::int",
            "revenue_at_risk": "CASE WHEN f.tier <> 'house' AND o.expected_delivery < 980 THEN (f.goal_amount - o.expected_delivery)"
            " * CASE WHEN o.events_per_win > 0 THEN o.micros_per_win / o.events_per_win / 1e6 ELSE f.bid_micros / 1e9 END END",
        },
    ),
    "experiments": (
        """SELECT e.key, r.metric, r.arm, {} FROM adplatform_experimentreading r JOIN adplatform_experiment e ON e.id = r.experiment_id
        WHERE r.at = (SELECT max(at) FROM adplatform_experimentreading) AND r.metric <> 'sample_ratio' ORDER BY 2""",
        {
            "lift": "(r.figures->>'change')::float8", "lift_low": "(r.figures->>'change_low')::float8", "lift_high": "(r.figures->>'change_high')::float8",
            "plain_effect": "r.effect", "plain_effect_low": "r.low", "plain_effect_high": "r.high", "arm_mean": "r.mean",
            "control_mean": "r.control_mean", "arm_units": "r.units", "control_units": "r.control_units",
        },
    ),
    "models": (
        """SELECT CASE v.kind WHEN 'ctr' THEN 'click' ELSE v.kind END || '_model', {} FROM adplatform_modelversion v WHERE v.alias = 'champion'
        ORDER BY 1""",
        {
            "log_loss": "(v.metrics->'log_loss'->>'value')::float8", "log_loss_baseline": "(v.metrics->'log_loss'->>'baseline')::float8",
            "squared_error": "(v.metrics->'mse'->>'value')::float8", "squared_error_baseline": "(v.metrics->'mse'->>'baseline')::float8",
            "model_gain": "CASE v.kind WHEN 'ctr' THEN 0.1 ELSE 0.25 END::float8", "auc": "(v.metrics->'auc'->>'value')::float8",
            "calibration": "(v.metrics->'calibration'->>'value')::float8", "live_log_loss": "CASE v.kind WHEN 'ctr' THEN 0.19 END::float8",
            "live_calibration": "CASE v.kind WHEN 'ctr' THEN 1.1 END::float8", "score_drift": "CASE v.kind WHEN 'ctr' THEN 0.1 END::float8",
            "feature_drift": "CASE v.kind WHEN 'ctr' THEN 0.3 END::float8", "drifted_features": "CASE v.kind WHEN 'ctr' THEN 1 ELSE 0 END",
            "model_alarms": "CASE v.kind WHEN 'ctr' THEN 1 ELSE 0 END", "train_rows": "v.train_rows", "test_rows": "v.test_rows",
            "model_version": "v.number",
        },
    ),
}  # fmt: skip
# Estimates of HyperLogLog sketches, beside the true number.
REACHED = {"audience": 5 * (20 + 7 * 10), "audience_by_flight": 5 * (20 + 7 * 10), "audience_by_title": 2 * (20 + 7 * 10)}


def asked(cube: str, measure: str, *, dimensions: tuple[str, ...] = (), scope: Scope = OPERATOR, period: Period = WEEK) -> list[dict[str, Any]]:
    query = SemanticQuery(
        intent="breakdown" if dimensions else "value", cube=cube, measures=(measure,), dimensions=dimensions,
        period=period if MODEL.cubes[cube].time else Period(),
    )  # fmt: skip
    read = figures(query, model=MODEL, scope=scope)
    names = [column.name for column in read.compiled.columns]
    return [dict(zip(names, row, strict=True)) for row in read.rows.values]


def by_hand(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]


def test_every_measure_is_held_against_sql_by_hand() -> None:
    held = {name: set(measures) for name, (_, measures) in (GOLD | STANDING).items()} | {name: {"reach"} for name in REACHED}
    assert held == {name: set(cube.measures) for name, cube in MODEL.cubes.items()}


@pytest.mark.parametrize(("cube", "measure"), [(cube, measure) for cube, (_, measures) in GOLD.items() for measure in measures])
def test_a_measure_over_a_week_is_what_its_tables_say(business: Business, cube: str, measure: str) -> None:
    source, measures = GOLD[cube]
    [(expected,)] = by_hand(f"SELECT ({measures[measure]})::float8 FROM {source}")
    [row] = asked(cube, measure)
    assert expected is not None
    assert row[measure] == pytest.approx(expected)


@pytest.mark.parametrize(("cube", "measure"), [(cube, measure) for cube, (_, measures) in STANDING.items() for measure in measures])
def test_a_measure_of_how_things_stand_is_what_its_tables_say(business: Business, cube: str, measure: str) -> None:
    select, measures = STANDING[cube]
    expected = [None if row[-1] is None else float(row[-1]) for row in by_hand(select.format(measures[measure]))]
    rows = asked(cube, measure, dimensions=(*MODEL.cubes[cube].keys, "campaign") if cube == "flights" else MODEL.cubes[cube].keys)
    assert in_order([row[measure] for row in rows]) == [None if value is None else pytest.approx(value) for value in in_order(expected)]


def in_order(values: list[float | None]) -> list[float | None]:
    return sorted(values, key=lambda value: (value is None, value or 0))


@pytest.mark.parametrize("cube", list(REACHED))
def test_people_are_counted_once_over_days_and_campaigns(business: Business, cube: str) -> None:
    [row] = asked(cube, "reach")
    assert row["reach"] == pytest.approx(REACHED[cube], rel=0.06)


def test_an_advertiser_reaches_their_own_people_and_none_of_everybodys(business: Business) -> None:
    theirs = Scope(advertiser=business.advertisers["Volt Motors"], groups=frozenset({"advertiser-member"}))
    [row] = asked("audience", "reach", scope=theirs)
    assert row["reach"] == pytest.approx(90, rel=0.06)
    assert {row["campaign"] for row in asked("flights", "expected_share", dimensions=("flight", "campaign"), scope=theirs)} == {"Electric Dawn"}


def test_flights_at_risk_are_those_of_the_dashboard_and_so_is_their_money(business: Business) -> None:
    told = at_risk(LiveScope(), NOW)
    rows = [row for row in asked("flights", "revenue_at_risk", dimensions=("campaign",)) if row["revenue_at_risk"]]
    assert {row["campaign"]: row["revenue_at_risk"] for row in rows} == {
        row["campaign"]: pytest.approx(row["shortfall_micros"] / 1e6) for row in told["at_risk"]
    }
    assert len(rows) == told["at_risk_count"] == 2


def test_unfilled_time_without_ads_beside_it_is_priced_by_its_device_and_then_by_the_day(business: Business) -> None:
    at = TODAY.replace(year=2025)
    ad = Ad.objects.order_by("pk").first()
    assert ad is not None
    sold = {"bucket": at, "advertiser_id": 1, "campaign_id": 1, "flight_id": 1, "ad_id": ad.pk, "genre": "drama"}
    DeliveryDay.objects.create(**sold, title_id=1, device="tv", impressions=10, revenue_micros=4_000_000)
    DeliveryDay.objects.create(**sold, title_id=1, device="mobile", impressions=10, revenue_micros=2_000_000)
    for title, device in ((2, "tv"), (2, "tablet")):
        UnfilledDay.objects.create(bucket=at, title_id=title, genre="drama", device=device, reason="capped", breaks=1, milliseconds=1000)
    # Ten times twenty seconds earned 4 on television, and 6 in four hundred seconds altogether.
    found = dict(by_hand("SELECT device, lost_micros FROM insights_lostday WHERE bucket = '2025-11-21'"))
    assert found == {"tv": pytest.approx(20_000), "tablet": pytest.approx(15_000)}


def test_every_reason_has_its_words_and_the_funnel_the_stages_of_the_decision() -> None:
    known = set(MODEL.dimensions["reason"].values)
    stages: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        for number, reason in enumerate(REASONS):
            cursor.execute(
                "INSERT INTO ads_funnelday (bucket, flight_id, ad_id, reason, synthetic, decisions) VALUES ('2020-01-01', 0, %s, %s, false, 1)",
                [number, reason],
            )
        cursor.execute("SELECT ad_id, reason, stage, served, eligible FROM insights_funnelday WHERE bucket = '2020-01-01'")
        told = {list(REASONS)[row[0]]: row[1:] for row in cursor.fetchall()}
    for reason in REASONS:
        assert told[reason][0] in known
        if not of_breaks(reason):
            stages.setdefault(stage_of(reason), set()).add(told[reason][1])
            assert told[reason][2] == (stage_of(reason) == "served")
            assert told[reason][3] == (stage_of(reason) in ("served", "pod", "reservation"))
    assert all(len(names) == 1 for names in stages.values())
    assert {name for names in stages.values() for name in names} <= set(MODEL.dimensions["stage"].values)
    assert set(INVALID_REASONS) <= known


def test_a_phrase_stands_for_two_measures_only_where_a_dimension_of_one_of_them_alone_tells_which() -> None:
    meant: dict[tuple[str, ...], set[str]] = {}
    kept: dict[str, set[str]] = {}
    for cube in MODEL.cubes.values():
        for name in cube.measures:
            kept.setdefault(name, set()).update(cube.dimensions)
        for name, measure in cube.measures.items():
            for phrase in (measure.label, *measure.synonyms, name.replace("_", " ")):
                meant.setdefault(stems(phrase), set()).add(name)
    shared = {" ".join(phrase): names for phrase, names in meant.items() if len(names) > 1}
    assert {phrase for phrase, names in shared.items() if len(names) > 2 or len({frozenset(kept[name]) for name in names}) == 1} == set()
    assert set().union(*shared.values()) == {"exits", "scene_leaves"}
    by = {stems(phrase) for dimension in MODEL.dimensions.values() for phrase in (dimension.label, dimension.plural, *dimension.synonyms)}
    assert {" ".join(phrase) for phrase in by & set(meant)} == set()


def test_the_shipped_model_fits_the_database_and_what_does_not_fit_is_named(business: Business) -> None:
    assert misfits(MODEL) == []
    text = (
        "name: x\ndimensions: {d: {label: d, plural: d}}\ncubes:\n  c:\n    label: c\n    tables: {day: ads_breakday}\n    time: {column: bucket}\n"
        "    dimensions: {d: device}\n    measures: {m: {label: m, description: m, sum: requests}}\n"
    )
    assert misfits(parse(text, source="x")) == []
    [told] = misfits(parse(text.replace("sum: requests", "sum: device"), source="x"))[:1]
    assert told.startswith("cubes.c.measures.m: the database says: function sum(character varying) does not exist")
    assert "ads_breakday.no_such" in misfits(parse(text.replace("device", "no_such"), source="x"))[0]


def test_the_check_is_a_command_and_one_of_djangos(business: Business) -> None:
    out = StringIO()
    call_command("semantic_check", stdout=out)
    assert f"{len(MODEL.cubes)} cubes" in out.getvalue()
    assert the_semantic_model_fits(["insights"]) == the_semantic_model_fits(["default"]) == []
    with pytest.raises(CommandError, match="cannot read"):
        call_command("semantic_check", "/nowhere.yaml")


def _reached(model: SemanticModel) -> dict[str, tuple[str, ...]]:
    with connection.cursor() as cursor:
        return reach(cursor, model)


def test_every_table_within_reach_is_row_secured_by_force_and_every_view_reads_as_its_caller() -> None:
    reached = _reached(MODEL)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relkind, relrowsecurity AND relforcerowsecurity, coalesce(reloptions::text, ''),"
            " (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid AND pg_get_expr(polqual, polrelid) LIKE '%%insights_ro%%')"
            " FROM pg_class c WHERE relname = ANY(%s) AND relnamespace = 'public'::regnamespace",
            [list(reached)],
        )
        rows = cursor.fetchall()
    assert {row[0] for row in rows} == set(reached)
    for name, kind, forced, options, policies in rows:
        if kind == "v":
            assert "security_invoker=true" in options, name
        else:
            assert forced, name
            assert policies == 2, name


def test_whatever_holds_an_advertiser_shows_the_read_only_role_that_advertisers_rows_alone() -> None:
    """Every table within reach with the advertiser's id has a policy that compares it with the caller's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, (SELECT string_agg(pg_get_expr(polqual, polrelid), ' ') FROM pg_policy WHERE polrelid = c.oid) FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'advertiser_id' WHERE c.relkind IN ('r', 'p') AND c.relname = ANY(%s)",
            [list(_reached(MODEL))],
        )
        rows = cursor.fetchall()
    assert {name for name, _ in rows} >= {"ads_campaign", "ads_ledgerentry", "ads_deliveryday"}
    for name, policy in rows:
        assert "app.advertiser" in policy, name
        assert "advertiser_id =" in policy, name


def test_no_column_that_names_a_viewer_a_session_or_a_person_is_granted(business: Business) -> None:
    people = {"viewer", "viewer_id", "session", "session_id", "unit", "user_id", "account_id", "browser", "ip_hash", "ua_hash", "email", "by_id"}
    reached = _reached(MODEL)
    assert not people & set().union(*reached.values())
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT table_name, column_name FROM information_schema.column_privileges WHERE grantee = 'insights_ro'")
        granted = set(cursor.fetchall())
    assert not people & {column for _, column in granted}
    assert {table for table, _ in granted} >= set(reached)
    assert not {
        table for table, _ in granted if table.startswith(("auth_", "engagement_viewer", "engagement_playbacksession", "ads_decision", "ads_adevent"))
    }
