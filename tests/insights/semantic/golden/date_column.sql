WITH totals AS (
  SELECT
    DATE_TRUNC('WEEK', f.day) AS time,
    crate.colour AS colour,
    SUM(f.kilos) AS picked,
    SUM(f.visits) AS visits,
    DENSE_RANK() OVER (ORDER BY crate.colour) AS group_number
  FROM orchard_visit AS f
  LEFT JOIN orchard_crate AS crate
    ON crate.id = f.crate_id
  WHERE
    f.day >= %(p1)s AND f.day < %(p2)s
  GROUP BY
    DATE_TRUNC('WEEK', f.day),
    crate.colour
), groups AS (
  SELECT DISTINCT
    totals.group_number AS group_number,
    totals.colour AS colour
  FROM totals
), filled AS (
  SELECT
    buckets.time AS time,
    groups.colour AS colour,
    COALESCE(totals.picked, 0) AS picked,
    COALESCE(totals.visits, 0) AS visits
  FROM GENERATE_SERIES(%(p3)s, %(p4)s, INTERVAL '1 WEEK') AS buckets(time)
  CROSS JOIN groups
  LEFT JOIN totals
    ON totals.time = buckets.time AND totals.group_number = groups.group_number
)
SELECT
  filled.time AS time,
  filled.colour AS colour,
  CAST(filled.picked AS DOUBLE PRECISION) / NULLIF(filled.visits, 0) AS each,
  filled.picked AS picked,
  filled.visits AS visits
FROM filled
ORDER BY
  time ASC,
  colour ASC
LIMIT 200

-- {
--  "p1": "2026-11-09",
--  "p2": "2026-11-16",
--  "p3": "2026-11-09 00:00:00+00:00",
--  "p4": "2026-11-09 00:00:00+00:00"
-- }
-- time (week), colour (dimension), each (number), picked (number), visits (count)
