WITH totals AS (
  SELECT
    SUM(f.clicks) FILTER(WHERE
      f.bucket >= %(p1)s AND f.bucket < %(p2)s) AS clicks,
    SUM(f.clicks) FILTER(WHERE
      f.bucket >= %(p3)s AND f.bucket < %(p4)s) AS clicks_before,
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
), figures AS (
  SELECT
    CAST(totals.clicks AS DOUBLE PRECISION) / NULLIF(totals.impressions, 0) AS ctr,
    CAST(totals.clicks_before AS DOUBLE PRECISION) / NULLIF(totals.impressions_before, 0) AS ctr_before,
    totals.clicks AS clicks,
    totals.clicks_before AS clicks_before,
    totals.impressions AS impressions,
    totals.impressions_before AS impressions_before
  FROM totals
)
SELECT
  figures.ctr AS ctr,
  figures.ctr_before AS ctr_before,
  figures.ctr - figures.ctr_before AS ctr_change,
  CAST((
    figures.ctr - figures.ctr_before
  ) AS DOUBLE PRECISION) / NULLIF(ABS(figures.ctr_before), 0) AS ctr_growth,
  figures.clicks AS clicks,
  figures.clicks_before AS clicks_before,
  figures.impressions AS impressions,
  figures.impressions_before AS impressions_before
FROM figures
LIMIT 200

-- {
--  "p1": "2026-11-09 00:00:00+00:00",
--  "p2": "2026-11-16 00:00:00+00:00",
--  "p3": "2026-11-02 00:00:00+00:00",
--  "p4": "2026-11-09 00:00:00+00:00"
-- }
-- ctr (share), ctr_before (share), ctr_change (share), ctr_growth (share), clicks (count), clicks_before (count), impressions (count), impressions_before (count)
