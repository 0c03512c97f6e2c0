SELECT
  advertiser.category AS industry,
  flight.pricing AS pricing,
  CAST(SUM(f.amount_micros) AS DOUBLE PRECISION) / 1000000 AS spend
FROM ads_ledgerentry AS f
LEFT JOIN ads_advertiser AS advertiser
  ON advertiser.id = f.advertiser_id
LEFT JOIN ads_flight AS flight
  ON flight.id = f.flight_id
WHERE
  f.advertiser_id = %(p1)s
GROUP BY
  advertiser.category,
  flight.pricing
ORDER BY
  spend DESC NULLS LAST,
  industry ASC,
  pricing ASC
LIMIT 200

-- {
--  "p1": 7
-- }
-- industry (dimension), pricing (dimension), spend (money)
