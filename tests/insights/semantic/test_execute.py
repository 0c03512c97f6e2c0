"""The read-only role: what the database itself refuses, with the guard out of the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg import errors

from insights.semantic import execute, guard
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.compiler import Column, Compiled, compile_names, compile_query
from insights.semantic.execute import CannotRun, run
from insights.semantic.guard import Refused
from insights.semantic.loading import load
from insights.semantic.query import Period, SemanticQuery
from insights.semantic.spine import Recorded
from tests.insights.business import TODAY, Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
MODEL = load()
SPEND = SemanticQuery(intent="breakdown", cube="ledger", measures=("spend",), dimensions=("advertiser",))
SCOPED_TABLES = ("ads_advertiser", "ads_campaign", "ads_flight", "ads_ad", "ads_ledgerentry", "ads_deliveryhour", "ads_deliveryday", "ads_invalidday")
HOUSE_TABLES = ("ads_breakhour", "ads_breakday", "ads_unfilledday", "engagement_playbackhour", "engagement_playbackday")


@pytest.fixture
def reader(business: Business) -> Iterator[psycopg.Connection[Any]]:
    """One raw connection as the read-only role, as a pool of one would hold it."""
    parameters = connections["insights"].get_connection_params()
    kept = {name: parameters[name] for name in ("dbname", "user", "host", "port") if parameters.get(name)}
    with psycopg.connect(**kept) as connection:
        yield connection


@contextmanager
def scoped(connection: psycopg.Connection[Any], advertiser: str | None) -> Iterator[psycopg.Cursor[Any]]:
    with connection.transaction(), connection.cursor() as cursor:
        if advertiser is not None:
            cursor.execute("SELECT set_config('app.advertiser', %s, true)", [advertiser])
        yield cursor


def key(table: str) -> str:
    return "id" if table in ("ads_advertiser", "ads_campaign", "ads_flight", "ads_ad") else "impressions"


def count(cursor: psycopg.Cursor[Any], table: str) -> int:
    known = {"ads_ledgerentry": "amount_micros", "ads_invalidday": "events", "ads_unfilledday": "breaks"}
    column = known.get(table, "requests" if "break" in table else "sessions" if "playback" in table else key(table))
    row = cursor.execute(f"SELECT count({column}) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


def test_two_tenants_alternating_on_one_connection_never_see_each_others_rows(reader: psycopg.Connection[Any], business: Business) -> None:
    silver, volt = business.advertisers["Silver Lantern Pictures"], business.advertisers["Volt Motors"]
    for advertiser in (silver, volt) * 4:
        with scoped(reader, str(advertiser)) as cursor:
            for table, column in (
                ("ads_ledgerentry", "advertiser_id"),
                ("ads_deliveryday", "advertiser_id"),
                ("ads_deliveryhour", "advertiser_id"),
                ("ads_invalidday", "advertiser_id"),
                ("ads_campaign", "advertiser_id"),
                ("ads_advertiser", "id"),
            ):
                seen = {row[0] for row in cursor.execute(f"SELECT DISTINCT {column} FROM {table}").fetchall()}
                assert seen == {advertiser}
            assert count(cursor, "ads_flight") == (2 if advertiser == silver else 1)
            assert count(cursor, "ads_ad") == (2 if advertiser == silver else 1)
            assert all(count(cursor, table) == 0 for table in HOUSE_TABLES)


@pytest.mark.parametrize("advertiser", [None, "", "0", "999999999"])
def test_without_a_scope_or_with_a_strangers_the_role_sees_no_row(reader: psycopg.Connection[Any], advertiser: str | None) -> None:
    with scoped(reader, "all") as cursor:
        assert count(cursor, "ads_ledgerentry") > 0
    with scoped(reader, advertiser) as cursor:
        assert [count(cursor, table) for table in (*SCOPED_TABLES, *HOUSE_TABLES)] == [0] * (len(SCOPED_TABLES) + len(HOUSE_TABLES))


def test_a_scope_does_not_outlive_its_transaction(reader: psycopg.Connection[Any]) -> None:
    with scoped(reader, "all") as cursor:
        assert count(cursor, "ads_campaign") == 5
    with scoped(reader, None) as cursor:
        assert count(cursor, "ads_campaign") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ads_campaign (name) VALUES ('x')", "UPDATE ads_campaign SET name = 'x'", "DELETE FROM ads_ledgerentry", "TRUNCATE ads_campaign",
        "DROP TABLE ads_campaign", "CREATE TABLE public.stolen (x int)", "SELECT password FROM auth_user", "SELECT notes FROM ads_campaign",
        "SELECT viewer FROM ads_adevent", "SELECT id FROM engagement_viewer", "SELECT session FROM ads_decision", "SELECT decision FROM ads_ledgerentry",
        "SELECT question FROM insights_message", "SELECT c FROM ads_campaign c", "SELECT user_id FROM ads_advertisermember",
        "ALTER TABLE ads_campaign DISABLE ROW LEVEL SECURITY", "SET ROLE intermission", "COPY ads_campaign TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')", "SELECT pg_ls_dir('/')", "SELECT pg_stat_file('/etc/passwd')", "SELECT pg_read_binary_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')", "SELECT lo_export(1, '/tmp/x')", "SELECT lo_create(0)", "COPY ads_campaign FROM '/etc/passwd'",
        "COPY (SELECT 1) TO '/tmp/engine_x'", "SELECT * FROM pg_authid", "SELECT * FROM pg_shadow", "SELECT pg_reload_conf()",
        "SELECT query_to_xml('SELECT password FROM auth_user', true, true, '')", "SELECT * FROM ts_stat('SELECT password::tsvector FROM auth_user')",
        "WITH gone AS (DELETE FROM ads_campaign RETURNING id) SELECT * FROM gone", "SELECT id INTO stolen FROM ads_campaign",
        "SELECT id FROM ads_campaign FOR UPDATE", "DO $$ BEGIN DELETE FROM ads_campaign; END $$", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE EXTENSION dblink", "CREATE ROLE x", "ALTER ROLE insights_ro SUPERUSER", "GRANT SELECT ON auth_user TO insights_ro",
        "DROP POLICY insights_scope ON ads_campaign", "SECURITY LABEL ON TABLE ads_campaign IS 'x'", "SET SESSION AUTHORIZATION intermission",
        "LOCK TABLE ads_campaign", "VACUUM ads_campaign", "SELECT nextval('ads_campaign_id_seq')", "SELECT token FROM insights_sharedanswer",
        "SET row_security = off; SELECT name FROM ads_campaign", "SELECT dblink('', 'SELECT 1')", "SELECT viewer_id FROM engagement_playbacksession",
    ],
)  # fmt: skip
def test_the_role_alone_refuses_writes_viewers_and_secrets(reader: psycopg.Connection[Any], statement: str) -> None:
    refused = (
        errors.InsufficientPrivilege,
        errors.ReadOnlySqlTransaction,
        errors.ActiveSqlTransaction,
        errors.UndefinedFunction,
        errors.FeatureNotSupported,
    )
    with pytest.raises(refused), scoped(reader, "all") as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(statement)


def test_a_set_inside_the_transaction_does_change_the_scope_so_that_nobodys_text_may_become_sql(
    reader: psycopg.Connection[Any], business: Business
) -> None:
    """What PostgreSQL does: whoever may write SQL may say who they are. Hence no path of ours lets a question write any, the guard knows no
    function that sets, and the compiler's own predicate still holds when the setting is forged."""
    volt = str(business.advertisers["Volt Motors"])
    with scoped(reader, volt) as cursor:
        cursor.execute("SELECT set_config('app.advertiser', 'all', true)")
        assert count(cursor, "ads_campaign") == 5
        walled = compile_query(SPEND, MODEL, advertiser=int(volt))
        assert [row[0] for row in cursor.execute(walled.sql, walled.params).fetchall()] == ["Volt Motors"]
    for forged in ("SELECT set_config('app.advertiser', 'all', true) AS x FROM ads_campaign AS c LIMIT 1", "SET app.advertiser = 'all'"):
        with pytest.raises(Refused):
            run(Compiled(forged, {}, ()), model=MODEL, scope=Scope(advertiser=int(volt)))


def test_every_granted_table_with_an_advertiser_has_forced_row_level_security(business: Business) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'advertiser_id'"
            " WHERE c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity) AND EXISTS (SELECT 1 FROM"
            " information_schema.column_privileges p WHERE p.grantee = 'insights_ro' AND p.table_name = c.relname)"
        )
        assert cursor.fetchall() == []


def test_the_application_keeps_all_its_rows_under_the_policies(business: Business) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ads_ledgerentry")
        assert cursor.fetchone() == (200,)


def test_a_scoped_answer_holds_only_the_advertisers_rows_and_names(business: Business) -> None:
    volt = Scope(advertiser=business.advertisers["Volt Motors"], groups=frozenset({"advertiser-member"}))
    rows = run(compile_query(SPEND, MODEL, advertiser=volt.advertiser), model=MODEL, scope=volt)
    assert [row[0] for row in rows.values] == ["Volt Motors"]
    # The policy alone, without the compiler's predicate, gives the same.
    assert run(compile_query(SPEND, MODEL), model=MODEL, scope=volt) == rows
    names = run(compile_names(MODEL.entities()["flight"]), model=MODEL, scope=volt)
    assert len(names.values) == 1


def test_statements_the_guard_refuses_never_reach_the_database(business: Business) -> None:
    with pytest.raises(Refused):
        run(Compiled("SELECT pg_sleep(1)", {}, (Column("x", "x", "measure"),)), model=MODEL, scope=OPERATOR)


def test_a_statement_that_takes_too_long_is_stopped_and_said_kindly(business: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "TIMEOUT_MILLISECONDS", 1)
    monkeypatch.setattr(guard, "check", lambda *_, **__: None)
    slow = Compiled("SELECT count(*) FROM generate_series(1, 100000000)", {}, (Column("x", "x", "measure"),))
    with pytest.raises(CannotRun, match="shorter period"):
        run(slow, model=MODEL, scope=OPERATOR)


def test_every_hour_of_a_day_keeps_its_time_and_a_day_stays_a_day(business: Business) -> None:
    start = TODAY - timedelta(days=1)
    asked = SemanticQuery(intent="trend", cube="delivery", measures=("impressions",), grain="hour", period=Period(start=start, end=TODAY))
    filled = Recorded(start, TODAY)
    for grain, first in (("hour", "2026-11-20T00:00:00+00:00"), ("day", "2026-11-20")):
        compiled = compile_query(asked.model_copy(update={"grain": grain}), MODEL, recorded=filled)
        at = next(index for index, column in enumerate(compiled.columns) if column.role == "time")
        assert run(compiled, model=MODEL, scope=OPERATOR).values[0][at] == first
