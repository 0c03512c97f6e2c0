SELECT
  campaign.name AS campaign,
  CAST(SUM(f.clicks) AS DOUBLE PRECISION) / NULLIF(SUM(f.impressions), 0) AS ctr,
  SUM(f.clicks) AS clicks,
  SUM(f.impressions) AS impressions
FROM ads_deliveryday AS f
LEFT JOIN ads_campaign AS campaign
  ON campaign.id = f.campaign_id
WHERE
  f.bucket >= %(p1)s
  AND f.bucket < %(p2)s
  AND (
    NOT f.device IN (%(p3)s) OR f.device IS NULL
  )
GROUP BY
  f.campaign_id,
  campaign.name
ORDER BY
  ctr DESC NULLS LAST,
  campaign ASC,
  f.campaign_id ASC
LIMIT 3

-- {
--  "p1": "2026-11-09 00:00:00+00:00",
--  "p2": "2026-11-16 00:00:00+00:00",
--  "p3": "tv"
-- }
-- campaign (dimension), ctr (share), clicks (count), impressions (count)
