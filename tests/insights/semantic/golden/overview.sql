SELECT
  SUM(f.impressions) AS impressions,
  CAST(SUM(f.clicks) AS DOUBLE PRECISION) / NULLIF(SUM(f.impressions), 0) AS ctr,
  CAST((
    (
      CAST(SUM(f.revenue_micros) AS DOUBLE PRECISION) / 1000000
    ) * 1000
  ) AS DOUBLE PRECISION) / NULLIF(SUM(f.impressions), 0) AS ecpm,
  SUM(f.clicks) AS clicks,
  CAST(SUM(f.revenue_micros) AS DOUBLE PRECISION) / 1000000 AS spend
FROM ads_deliveryday AS f
WHERE
  f.campaign_id IN (%(p1)s)
LIMIT 200

-- {
--  "p1": 3
-- }
-- impressions (count), ctr (share), ecpm (money), clicks (count), spend (money)
