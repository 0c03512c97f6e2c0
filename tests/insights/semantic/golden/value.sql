SELECT
  CAST(SUM(f.amount_micros) AS DOUBLE PRECISION) / 1000000 AS spend
FROM ads_ledgerentry AS f
WHERE
  f.advertiser_id = %(p1)s AND f.booked_at >= %(p2)s AND f.booked_at < %(p3)s
LIMIT 200

-- {
--  "p1": 7,
--  "p2": "2026-11-09 00:00:00+00:00",
--  "p3": "2026-11-16 00:00:00+00:00"
-- }
-- spend (money)
