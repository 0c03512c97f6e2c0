WITH totals AS (
  SELECT
    DATE_TRUNC('WEEK', f.bucket, 'UTC') AS time,
    f.device AS device,
    SUM(f.impressions) AS impressions,
    DENSE_RANK() OVER (ORDER BY f.device) AS group_number
  FROM ads_deliveryday AS f
  WHERE
    f.bucket >= %(p1)s AND f.bucket < %(p2)s
  GROUP BY
    DATE_TRUNC('WEEK', f.bucket, 'UTC'),
    f.device
), groups AS (
  SELECT DISTINCT
    totals.group_number AS group_number,
    totals.device AS device
  FROM totals
), filled AS (
  SELECT
    buckets.time AS time,
    groups.device AS device,
    COALESCE(totals.impressions, 0) AS impressions
  FROM GENERATE_SERIES(%(p3)s, %(p4)s, INTERVAL '1 WEEK') AS buckets(time)
  CROSS JOIN groups
  LEFT JOIN totals
    ON totals.time = buckets.time AND totals.group_number = groups.group_number
)
SELECT
  filled.time AS time,
  filled.device AS device,
  filled.impressions AS impressions
FROM filled
ORDER BY
  time ASC,
  device ASC
LIMIT 200

-- {
--  "p1": "2026-11-01 00:00:00+00:00",
--  "p2": "2026-12-01 00:00:00+00:00",
--  "p3": "2026-10-26 00:00:00+00:00",
--  "p4": "2026-11-16 00:00:00+00:00"
-- }
-- time (week), device (dimension), impressions (count)
