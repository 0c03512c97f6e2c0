WITH totals AS (
  SELECT
    CASE
      WHEN f.bucket >= %(p1)s AND f.bucket < %(p2)s
      THEN DATE_TRUNC('DAY', f.bucket, 'UTC')
      ELSE DATE_TRUNC('DAY', f.bucket, 'UTC') + CAST(%(p5)s AS INTERVAL)
    END AS time,
    SUM(f.impressions) FILTER(WHERE
      f.bucket >= %(p1)s AND f.bucket < %(p2)s) AS impressions,
    SUM(f.impressions) FILTER(WHERE
      f.bucket >= %(p3)s AND f.bucket < %(p4)s) AS impressions_before
  FROM ads_deliveryday AS f
  WHERE
    (
      (
        f.bucket >= %(p1)s AND f.bucket < %(p2)s
      )
      OR (
        f.bucket >= %(p3)s AND f.bucket < %(p4)s
      )
    )
  GROUP BY
    CASE
      WHEN f.bucket >= %(p1)s AND f.bucket < %(p2)s
      THEN DATE_TRUNC('DAY', f.bucket, 'UTC')
      ELSE DATE_TRUNC('DAY', f.bucket, 'UTC') + CAST(%(p5)s AS INTERVAL)
    END
), groups AS (
  SELECT DISTINCT
    1 AS group_number
  FROM totals
), filled AS (
  SELECT
    buckets.time AS time,
    COALESCE(totals.impressions, 0) AS impressions,
    CASE
      WHEN buckets.time BETWEEN %(p6)s AND %(p7)s
      THEN COALESCE(totals.impressions_before, 0)
    END AS impressions_before
  FROM GENERATE_SERIES(%(p8)s, %(p9)s, INTERVAL '1 DAY') AS buckets(time)
  CROSS JOIN groups
  LEFT JOIN totals
    ON totals.time = buckets.time
), figures AS (
  SELECT
    filled.time AS time,
    filled.impressions AS impressions,
    filled.impressions_before AS impressions_before
  FROM filled
)
SELECT
  figures.time AS time,
  figures.impressions AS impressions,
  figures.impressions_before AS impressions_before,
  figures.impressions - figures.impressions_before AS impressions_change,
  CAST((
    figures.impressions - figures.impressions_before
  ) AS DOUBLE PRECISION) / NULLIF(ABS(figures.impressions_before), 0) AS impressions_growth
FROM figures
ORDER BY
  time ASC
LIMIT 200

-- {
--  "p1": "2026-11-01 00:00:00+00:00",
--  "p2": "2026-12-01 00:00:00+00:00",
--  "p3": "2026-10-01 00:00:00+00:00",
--  "p4": "2026-10-31 00:00:00+00:00",
--  "p5": "31 day",
--  "p6": "2026-11-05 00:00:00+00:00",
--  "p7": "2026-11-30 00:00:00+00:00",
--  "p8": "2026-11-01 00:00:00+00:00",
--  "p9": "2026-11-21 00:00:00+00:00"
-- }
-- time (day), impressions (count), impressions_before (count), impressions_change (count), impressions_growth (share)
