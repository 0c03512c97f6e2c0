SELECT
  SUM(f.impressions) AS impressions
FROM ads_deliveryhour AS f
WHERE
  f.bucket >= %(p1)s AND f.bucket < %(p2)s
LIMIT 200

-- {
--  "p1": "2026-11-20 18:00:00+00:00",
--  "p2": "2026-11-21 00:00:00+00:00"
-- }
-- impressions (count)
