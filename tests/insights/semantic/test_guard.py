"""What may run as SQL, and what may not, whoever wrote it."""

from __future__ import annotations

import pytest

from insights.semantic.guard import MAX_LIMIT, Refused, check

COLUMNS = {
    "ads_deliveryday": frozenset({"bucket", "campaign_id", "advertiser_id", "clicks", "impressions"}),
    "ads_campaign": frozenset({"id", "name"}),
}
LEGITIMATE = [
    "SELECT c.name AS campaign, SUM(f.clicks) / NULLIF(SUM(f.impressions), 0) AS ctr FROM ads_deliveryday AS f LEFT JOIN ads_campaign AS c"
    " ON c.id = f.campaign_id WHERE f.bucket >= %(p1)s AND f.campaign_id IN (%(p2)s, %(p3)s) GROUP BY c.name ORDER BY ctr DESC NULLS LAST LIMIT 10",
    "SELECT DATE_TRUNC('DAY', f.bucket, 'UTC') AS time, CAST(SUM(f.clicks) AS DOUBLE PRECISION) / 1000000 AS clicks FROM ads_deliveryday AS f"
    " GROUP BY DATE_TRUNC('DAY', f.bucket, 'UTC') ORDER BY time LIMIT 200",
    "SELECT COUNT(*) AS n, MIN(f.bucket) AS first FROM ads_deliveryday AS f LIMIT 1",
]
HOSTILE = """
SELECT set_config('app.advertiser', 'all', true) FROM ads_campaign AS c LIMIT 1
SELECT current_setting('app.advertiser') FROM ads_campaign AS c LIMIT 1
SELECT * FROM pg_read_file('/etc/passwd') LIMIT 1
SELECT pg_read_file('/etc/passwd') FROM ads_campaign AS c LIMIT 1
SELECT query_to_xml('select * from auth_user', true, true, '') FROM ads_campaign AS c LIMIT 1
SELECT * FROM ts_stat('select password from auth_user') LIMIT 1
WITH gone AS (DELETE FROM ads_campaign RETURNING id) SELECT c.id AS i FROM ads_campaign AS c LIMIT 1
WITH RECURSIVE n AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT 1 AS one FROM n LIMIT 1
WITH c AS (SELECT name FROM ads_campaign) SELECT c.name AS n FROM c LIMIT 1
SELECT c.id AS i INTO stolen FROM ads_campaign AS c LIMIT 1
SELECT c.id AS i FROM ads_campaign AS c LIMIT 1 FOR UPDATE
SELECT c.id AS i FROM ads_campaign AS c LIMIT 1; DROP TABLE ads_campaign
COPY ads_campaign TO PROGRAM 'sh'
SELECT pg_sleep(10) FROM ads_campaign AS c LIMIT 1
SELECT c.id AS i FROM ads_campaign AS c WHERE pg_sleep(10) IS NULL LIMIT 1
SELECT g.x AS x FROM generate_series(1, 1000000) AS g(x) LIMIT 1
SELECT c.id AS i FROM ads_campaign AS c CROSS JOIN ads_deliveryday AS f LIMIT 1
SELECT c.id AS i FROM ads_campaign AS c, ads_deliveryday AS f LIMIT 1
SELECT c.id AS i FROM ads_campaign AS c NATURAL JOIN ads_deliveryday AS f LIMIT 1
SELECT u.password AS p FROM auth_user AS u LIMIT 1
SELECT c.id AS i FROM ads_campaign AS c WHERE c.id IN (SELECT id FROM auth_user) LIMIT 1
SELECT c.id AS i FROM ads_campaign AS c WHERE EXISTS (SELECT 1 FROM auth_user) LIMIT 1
SELECT (SELECT password FROM auth_user LIMIT 1) AS p FROM ads_campaign AS c LIMIT 1
TABLE auth_user
VALUES (1)
SELECT 1 AS one LIMIT 1
SELECT t.table_name AS n FROM information_schema.tables AS t LIMIT 1
SELECT c.id AS i FROM public.ads_campaign AS c LIMIT 1
SELECT r.rolname AS r FROM pg_roles AS r LIMIT 1
EXPLAIN ANALYZE SELECT c.id AS i FROM ads_campaign AS c LIMIT 1
SET ROLE postgres
RESET ROLE
DO $$ BEGIN PERFORM 1; END $$
SELECT c.id AS i FROM ads_campaign AS c WHERE c.name ~ '(a+)+$' LIMIT 1
SELECT c.id AS i FROM ads_campaign AS c WHERE c.name LIKE '%a%' LIMIT 1
SELECT CAST(c.name AS REGCLASS) AS r FROM ads_campaign AS c LIMIT 1
SELECT c.name::regclass AS r FROM ads_campaign AS c LIMIT 1
SELECT c.name::text AS r FROM ads_campaign AS c LIMIT 1
SELECT * FROM ads_campaign AS c LIMIT 1
SELECT c.* FROM ads_campaign AS c LIMIT 1
SELECT c AS row FROM ads_campaign AS c LIMIT 1
SELECT c.notes AS n FROM ads_campaign AS c LIMIT 1
SELECT c.ctid AS n FROM ads_campaign AS c LIMIT 1
SELECT x.name AS n FROM ads_campaign AS c LIMIT 1
SELECT c.id AS i FROM ads_campaign AS c
SELECT c.id AS i FROM ads_campaign AS c LIMIT 100000000
SELECT c.id AS i FROM ads_campaign AS c LIMIT (SELECT 10)
SELECT c.id AS i FROM ads_campaign AS c LIMIT ALL
SELECT c.id AS i FROM ads_campaign AS c UNION SELECT c.id AS i FROM ads_campaign AS c LIMIT 1
SELECT c.id AS i FROM ads_campaign AS c TABLESAMPLE SYSTEM (10) LIMIT 1
SELECT c.id AS i FROM ONLY ads_campaign AS c LIMIT 1
SELECT c.id AS i FROM LATERAL (SELECT 1) AS c LIMIT 1
SELECT SUM(f.clicks) OVER () AS i FROM ads_deliveryday AS f LIMIT 1
SELECT c.name || 'x' AS n FROM ads_campaign AS c LIMIT 1
SELECT lo_import('/etc/passwd') AS x FROM ads_campaign AS c LIMIT 1
SELECT dblink('host=x', 'select 1') AS x FROM ads_campaign AS c LIMIT 1
SELECT version() AS v FROM ads_campaign AS c LIMIT 1
SELECT current_user AS v FROM ads_campaign AS c LIMIT 1
SELECT string_agg(c.name, ',') AS v FROM ads_campaign AS c LIMIT 1
SELECT repeat('x', 1000000000) AS v FROM ads_campaign AS c LIMIT 1
INSERT INTO ads_campaign (id) VALUES (1)
UPDATE ads_campaign SET name = 'x'
DELETE FROM ads_campaign
DROP TABLE ads_campaign
TRUNCATE ads_campaign
GRANT ALL ON ads_campaign TO PUBLIC
CREATE TABLE x AS SELECT 1
PREPARE x AS SELECT 1
LISTEN x
BEGIN
not sql at all
""".strip().splitlines()


@pytest.mark.parametrize("sql", LEGITIMATE)
def test_what_the_compiler_writes_may_run(sql: str) -> None:
    assert check(sql, columns=COLUMNS)


@pytest.mark.parametrize("sql", HOSTILE)
def test_everything_else_is_refused(sql: str) -> None:
    with pytest.raises(Refused):
        check(sql, columns=COLUMNS)


@pytest.mark.parametrize(
    "sql", ["", ";", "SELECT " + "(" * 5000 + "1" + ")" * 5000, "SELECT " + " + ".join(["c.id"] * 3000) + " AS x FROM ads_campaign AS c LIMIT 1"]
)
def test_empty_endless_and_nested_statements_are_refused_without_falling_over(sql: str) -> None:
    with pytest.raises(Refused):
        check(sql, columns=COLUMNS)


def test_the_limit_may_be_as_high_as_the_cap_and_no_higher() -> None:
    statement = "SELECT c.id AS i FROM ads_campaign AS c LIMIT {}"
    assert check(statement.format(MAX_LIMIT), columns=COLUMNS)
    with pytest.raises(Refused, match="LIMIT"):
        check(statement.format(MAX_LIMIT + 1), columns=COLUMNS)
