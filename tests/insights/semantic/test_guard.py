"""What may run as SQL, and what may not, whoever wrote it. ``attacks.txt`` has one statement a line with why it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from insights.semantic.guard import MAX_LIMIT, Refused, check

COLUMNS = {
    "ads_deliveryday": frozenset({"bucket", "campaign_id", "advertiser_id", "clicks", "impressions", "device"}),
    "ads_campaign": frozenset({"id", "name"}),
}
ATTACKS = [line.split(" | ", 1) for line in (Path(__file__).parent / "attacks.txt").read_text(encoding="utf-8").splitlines()]
LEGITIMATE = [
    "SELECT c.name AS campaign, CAST(SUM(f.clicks) AS DOUBLE PRECISION) / NULLIF(SUM(f.impressions), 0) AS ctr FROM ads_deliveryday AS f"
    " LEFT JOIN ads_campaign AS c ON c.id = f.campaign_id WHERE f.bucket >= %(p1)s AND f.campaign_id IN (%(p2)s, %(p3)s) GROUP BY c.name"
    " ORDER BY ctr DESC NULLS LAST LIMIT 10",
    "SELECT DATE_TRUNC('DAY', f.bucket, 'UTC') AS time, CAST(SUM(f.clicks) AS DOUBLE PRECISION) / 1000000 AS clicks FROM ads_deliveryday AS f"
    " GROUP BY DATE_TRUNC('DAY', f.bucket, 'UTC') ORDER BY time LIMIT 200",
    "SELECT COUNT(*) AS n, MIN(f.bucket) AS first FROM ads_deliveryday AS f LIMIT 1",
    "WITH totals AS (SELECT f.device AS device, SUM(f.clicks) AS clicks, SUM(SUM(f.clicks)) OVER () AS whole FROM ads_deliveryday AS f"
    " GROUP BY f.device) SELECT totals.device AS device, totals.clicks AS clicks FROM totals WHERE totals.clicks > %(p1)s LIMIT 5",
]


@pytest.mark.parametrize("sql", LEGITIMATE)
def test_what_the_compiler_writes_may_run(sql: str) -> None:
    assert check(sql, columns=COLUMNS)


@pytest.mark.parametrize(("why", "sql"), ATTACKS, ids=[f"line_{number}" for number in range(1, len(ATTACKS) + 1)])
def test_everything_else_is_refused_and_it_is_said_why(why: str, sql: str) -> None:
    with pytest.raises(Refused) as refusal:
        check(sql, columns=COLUMNS)
    assert str(refusal.value) == why


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("", "only one SELECT"),
        (";", "a character"),
        ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "cannot be read"),
        ("SELECT " + " + ".join(["c.id"] * 3000) + " AS x FROM ads_campaign AS c LIMIT 1", "cannot be read|too large"),
        ("SELECT c.id AS x FROM ads_campaign AS c WHERE c.id IN (" + ", ".join(["%(p1)s"] * 4000) + ") LIMIT 1", "too long|too large"),
        ("SELECT c.id AS x FROM ads_campaign AS c WHERE c.id IN (" + ", ".join(["%(p1)s"] * 3900) + ") LIMIT 1", "too large"),
        ("SELECT c.id AS x FROM ads_campaign AS c WHERE " + "NOT " * 4000 + "c.id IS NULL LIMIT 1", "cannot be read"),
        ("SELECT " + "x" * 50_000, "too long"),
        ("SELECT c.id AS i FROM ads_campaign AS c LIMIT 1\x00", "a character"),
        (
            "WITH " + ", ".join(f"s{n} AS (SELECT c.id AS id FROM ads_campaign AS c)" for n in range(5)) + " SELECT s0.id AS i FROM s0 LIMIT 1",
            "more than 4",
        ),
    ],
    ids=["empty", "semicolon", "nested", "endless", "huge_list", "large_list", "negations", "long", "nul", "many_steps"],
)
def test_empty_endless_and_nested_statements_are_refused_without_falling_over(sql: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        check(sql, columns=COLUMNS)


def test_the_limit_may_be_as_high_as_the_cap_and_no_higher() -> None:
    statement = "SELECT c.id AS i FROM ads_campaign AS c LIMIT {}"
    assert check(statement.format(MAX_LIMIT), columns=COLUMNS)
    with pytest.raises(Refused, match="LIMIT"):
        check(statement.format(MAX_LIMIT + 1), columns=COLUMNS)
