WITH totals AS (
  SELECT
    campaign.name AS campaign,
    f.campaign_id AS campaign__key,
    CAST(SUM(f.revenue_micros) FILTER(WHERE
      f.bucket >= %(p1)s AND f.bucket < %(p2)s) AS DOUBLE PRECISION) / 1000000 AS spend,
    CAST(SUM(f.revenue_micros) FILTER(WHERE
      f.bucket >= %(p3)s AND f.bucket < %(p4)s) AS DOUBLE PRECISION) / 1000000 AS spend_before,
    SUM(COUNT(*) FILTER(WHERE
      f.bucket >= %(p1)s AND f.bucket < %(p2)s)) OVER () AS rows_found,
    SUM(COUNT(*) FILTER(WHERE
      f.bucket >= %(p3)s AND f.bucket < %(p4)s)) OVER () AS rows_found_before
  FROM ads_deliveryday AS f
  LEFT JOIN ads_campaign AS campaign
    ON campaign.id = f.campaign_id
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
    f.campaign_id,
    campaign.name
), figures AS (
  SELECT
    totals.campaign AS campaign,
    totals.campaign__key AS campaign__key,
    CASE WHEN totals.rows_found > 0 THEN COALESCE(totals.spend, 0) END AS spend,
    CASE WHEN totals.rows_found_before > 0 THEN COALESCE(totals.spend_before, 0) END AS spend_before
  FROM totals
)
SELECT
  figures.campaign AS campaign,
  figures.spend AS spend,
  figures.spend_before AS spend_before,
  figures.spend - figures.spend_before AS spend_change,
  CAST((
    figures.spend - figures.spend_before
  ) AS DOUBLE PRECISION) / NULLIF(ABS(figures.spend_before), 0) AS spend_growth
FROM figures
ORDER BY
  spend_growth DESC NULLS LAST,
  campaign ASC,
  figures.campaign__key ASC
LIMIT 200

-- {
--  "p1": "2026-11-09 00:00:00+00:00",
--  "p2": "2026-11-16 00:00:00+00:00",
--  "p3": "2026-11-02 00:00:00+00:00",
--  "p4": "2026-11-09 00:00:00+00:00"
-- }
-- campaign (dimension), spend (money), spend_before (money), spend_change (money), spend_growth (share)
