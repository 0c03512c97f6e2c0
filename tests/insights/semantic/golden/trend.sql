WITH totals AS (
  SELECT
    DATE_TRUNC('DAY', f.bucket, 'UTC') AS time,
    SUM(f.clicks) AS clicks,
    SUM(f.impressions) AS impressions
  FROM ads_deliveryday AS f
  WHERE
    f.bucket >= %(p1)s AND f.bucket < %(p2)s
  GROUP BY
    DATE_TRUNC('DAY', f.bucket, 'UTC')
), groups AS (
  SELECT DISTINCT
    1 AS group_number
  FROM totals
), filled AS (
  SELECT
    buckets.time AS time,
    COALESCE(totals.clicks, 0) AS clicks,
    COALESCE(totals.impressions, 0) AS impressions
  FROM GENERATE_SERIES(%(p3)s, %(p4)s, INTERVAL '1 DAY') AS buckets(time)
  CROSS JOIN groups
  LEFT JOIN totals
    ON totals.time = buckets.time
)
SELECT
  filled.time AS time,
  CAST(filled.clicks AS DOUBLE PRECISION) / NULLIF(filled.impressions, 0) AS ctr,
  filled.clicks AS clicks,
  filled.impressions AS impressions
FROM filled
ORDER BY
  time ASC
LIMIT 200

-- {
--  "p1": "2026-11-09 00:00:00+00:00",
--  "p2": "2026-11-16 00:00:00+00:00",
--  "p3": "2026-11-09 00:00:00+00:00",
--  "p4": "2026-11-15 00:00:00+00:00"
-- }
-- time (day), ctr (share), clicks (count), impressions (count)
