WITH totals AS (
  SELECT
    advertiser.name AS advertiser,
    f.advertiser_id AS advertiser__key,
    CAST(SUM(f.revenue_micros) AS DOUBLE PRECISION) / 1000000 AS spend,
    SUM(CAST(SUM(f.revenue_micros) AS DOUBLE PRECISION) / 1000000) OVER () AS spend__whole
  FROM ads_deliveryday AS f
  LEFT JOIN ads_advertiser AS advertiser
    ON advertiser.id = f.advertiser_id
  WHERE
    f.bucket >= %(p1)s AND f.bucket < %(p2)s
  GROUP BY
    f.advertiser_id,
    advertiser.name
)
SELECT
  totals.advertiser AS advertiser,
  totals.spend AS spend,
  CAST(totals.spend AS DOUBLE PRECISION) / NULLIF(totals.spend__whole, 0) AS spend_share
FROM totals
ORDER BY
  spend DESC NULLS LAST,
  advertiser ASC,
  totals.advertiser__key ASC
LIMIT 5

-- {
--  "p1": "2026-11-09 00:00:00+00:00",
--  "p2": "2026-11-16 00:00:00+00:00"
-- }
-- advertiser (dimension), spend (money), spend_share (share)
