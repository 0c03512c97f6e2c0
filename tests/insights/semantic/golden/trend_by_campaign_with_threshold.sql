WITH totals AS (
  SELECT
    DATE_TRUNC('DAY', f.bucket, 'UTC') AS time,
    campaign.name AS campaign,
    f.campaign_id AS campaign__key,
    SUM(f.impressions) AS impressions,
    DENSE_RANK() OVER (ORDER BY f.campaign_id, campaign.name) AS group_number
  FROM ads_deliveryday AS f
  LEFT JOIN ads_campaign AS campaign
    ON campaign.id = f.campaign_id
  WHERE
    f.bucket >= %(p1)s AND f.bucket < %(p2)s
  GROUP BY
    DATE_TRUNC('DAY', f.bucket, 'UTC'),
    f.campaign_id,
    campaign.name
), groups AS (
  SELECT DISTINCT
    totals.group_number AS group_number,
    totals.campaign AS campaign,
    totals.campaign__key AS campaign__key
  FROM totals
), filled AS (
  SELECT
    buckets.time AS time,
    groups.campaign AS campaign,
    groups.campaign__key AS campaign__key,
    COALESCE(totals.impressions, 0) AS impressions
  FROM GENERATE_SERIES(%(p3)s, %(p4)s, INTERVAL '1 DAY') AS buckets(time)
  CROSS JOIN groups
  LEFT JOIN totals
    ON totals.time = buckets.time AND totals.group_number = groups.group_number
)
SELECT
  filled.time AS time,
  filled.campaign AS campaign,
  filled.impressions AS impressions
FROM filled
WHERE
  filled.impressions < %(p5)s
ORDER BY
  time ASC,
  campaign ASC,
  filled.campaign__key ASC
LIMIT 200

-- {
--  "p1": "2026-11-09 00:00:00+00:00",
--  "p2": "2026-11-16 00:00:00+00:00",
--  "p3": "2026-11-09 00:00:00+00:00",
--  "p4": "2026-11-15 00:00:00+00:00",
--  "p5": 5.0
-- }
-- time (day), campaign (dimension), impressions (count)
