"""Statements as they run: what they may cost, how they are ended, and what is kept of them for a moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache as redis_cache
from django.db import connections
from redis.exceptions import ConnectionError as RedisGone

from ads.models import Campaign
from insights.semantic import cache, execute, guard, names
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.cancelling import Cancel
from insights.semantic.compiler import Column, Compiled, compile_query
from insights.semantic.execute import CannotRun, run, session
from insights.semantic.query import Filter, SemanticQuery
from insights.semantic.read import figures as read_figures
from insights.semantic.refusals import Cancelled
from tests.insights.business import Business

from .asking import MODEL

SPEND = SemanticQuery(intent="breakdown", cube="ledger", measures=("spend",), dimensions=("advertiser",))
SLOW = Compiled("SELECT pg_sleep(20) AS x", {}, (Column("x", "x", "measure"),), light=True)
pytestmark = pytest.mark.django_db(databases=["default", "insights"])
SILVER = "Silver Lantern Pictures"


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that go to the database as the read-only role."""
    told: list[str] = []

    def note(call: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        told.append(sql)
        return call(sql, params, many, context)

    with connections["insights"].execute_wrapper(note):
        yield told


def test_what_would_cost_too_much_is_not_run_and_it_is_said_what_to_ask_instead(business: Business, settings: LazySettings) -> None:
    settings.INSIGHTS_MOST_COST = 1.0
    with counted() as told, pytest.raises(CannotRun, match=r"times as much reading as is allowed.*shorter period"):
        run(compile_query(SPEND, MODEL), model=MODEL, scope=OPERATOR)
    assert any(sql.startswith("EXPLAIN (FORMAT JSON) SELECT") for sql in told)
    assert not any(sql.startswith("SELECT\n") for sql in told)


def test_an_answer_sets_up_one_transaction_and_reads_what_stands_beside_its_figures_in_it(business: Business) -> None:
    trend = SemanticQuery(intent="trend", cube="ledger", measures=("spend",), grain="day")
    with counted() as told:
        read_figures(trend, model=MODEL, scope=OPERATOR)
    assert sum("set_config" in sql for sql in told) == 1
    # Setting up; freshness; extent, figures and origin, each with its cost.
    assert len([sql for sql in told if "SAVEPOINT" not in sql]) <= 11
    with counted() as again:
        assert read_figures(trend, model=MODEL, scope=OPERATOR).rows.values
    assert not any("SUM(" in sql for sql in again)


def test_a_statement_that_failed_does_not_spoil_the_next_one_of_the_answer(business: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "check", lambda *_, **__: None)
    with session(OPERATOR):
        with pytest.raises(CannotRun, match="does not fit the database"):
            run(Compiled("SELECT c.nothing AS x FROM ads_campaign AS c LIMIT 1", {}, ()), model=MODEL, scope=OPERATOR)
        assert len(run(compile_query(SPEND, MODEL), model=MODEL, scope=OPERATOR).values) == 4


def test_one_answer_is_never_read_for_two(business: Business) -> None:
    with session(Scope(advertiser=1)), pytest.raises(RuntimeError, match="one advertiser"):
        run(compile_query(SPEND, MODEL), model=MODEL, scope=OPERATOR)


def test_a_value_of_the_wrong_kind_is_said_in_words(business: Business) -> None:
    odd = SPEND.model_copy(update={"filters": (Filter(dimension="campaign", values=("Summer",)),)})
    with pytest.raises(CannotRun, match="does not fit"):
        run(compile_query(odd, MODEL), model=MODEL, scope=OPERATOR)


def test_more_bytes_than_anybody_reads_are_not_read(business: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "BYTE_CAP", 10)
    with pytest.raises(CannotRun, match="more data than an answer can hold"):
        run(compile_query(SPEND, MODEL), model=MODEL, scope=OPERATOR)


def test_another_thread_ends_the_statement_that_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "check", lambda *_, **__: None)
    asked, began = Cancel(), threading.Event()
    ended: list[CannotRun] = []

    def answer() -> None:
        try:
            with asked:
                began.set()
                run(SLOW, model=MODEL, scope=OPERATOR)
        except CannotRun as refusal:
            ended.append(refusal)
        finally:
            connections.close_all()

    waiting = threading.Thread(target=answer)
    waiting.start()
    began.wait(10)
    while waiting.is_alive() and not (asked._connection and asked._connection.info.transaction_status.name == "ACTIVE"):
        waiting.join(0.01)
    asked.now()
    waiting.join(10)
    assert [type(one) for one in ended] == [Cancelled]
    with asked, pytest.raises(Cancelled):
        run(SLOW, model=MODEL, scope=OPERATOR)


def test_rows_are_kept_for_one_scope_and_one_state_of_the_data(business: Business) -> None:
    compiled = compile_query(SPEND, MODEL)
    silver = Scope(advertiser=business.advertisers[SILVER], groups=frozenset({"advertiser-member"}))
    everything = run(compiled, model=MODEL, scope=OPERATOR, version="1")
    with counted() as told:
        assert run(compiled, model=MODEL, scope=OPERATOR, version="1") == everything
        assert told == []
        assert [row[0] for row in run(compiled, model=MODEL, scope=silver, version="1").values] == [SILVER]
        assert told
    keys = {
        cache.key_of(*one)
        for one in (
            (compiled, OPERATOR, "1"), (compiled, OPERATOR, "2"), (compiled, silver, "1"), (compiled, Scope(groups=frozenset({"editor"})), "1"),
            (replace(compiled, params={"p1": 1}), OPERATOR, "1"),
        )
    }  # fmt: skip
    assert len(keys) == 5


def test_without_redis_every_statement_runs(business: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise RedisGone("no redis")

    for method in ("get", "set", "get_or_set"):
        monkeypatch.setattr(redis_cache, method, gone)
    compiled = compile_query(SPEND, MODEL)
    for _ in range(2):
        with counted() as told:
            assert run(compiled, model=MODEL, scope=OPERATOR, version="1").values
        assert any("SUM(" in sql for sql in told)
    assert names.names_for(MODEL, OPERATOR) is not names.names_for(MODEL, OPERATOR)


def test_names_are_read_once_for_each_scope_and_anew_when_one_changes(business: Business, django_capture_on_commit_callbacks: Any) -> None:
    first = names.names_for(MODEL, OPERATOR)
    assert len(first.by_dimension["campaign"]) == 5
    volt = Scope(advertiser=business.advertisers["Volt Motors"], groups=frozenset({"advertiser-member"}))
    assert names.names_for(MODEL, volt).by_dimension["campaign"] == ((business.campaigns["Electric Dawn"], "Electric Dawn"),)
    with counted() as told:
        assert names.names_for(MODEL, OPERATOR) is first
    assert told == []
    with django_capture_on_commit_callbacks(execute=True):
        Campaign.objects.get(name="Electric Dawn").save()
    assert names.names_for(MODEL, OPERATOR) is not first
