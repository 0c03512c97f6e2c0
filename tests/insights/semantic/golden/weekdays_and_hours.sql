SELECT
  CAST(EXTRACT(ISODOW FROM f.bucket AT TIME ZONE 'UTC') AS INT) AS weekday,
  CAST(EXTRACT(HOUR FROM f.bucket AT TIME ZONE 'UTC') AS INT) AS hour_of_day,
  SUM(f.clicks) AS clicks
FROM ads_deliveryhour AS f
WHERE
  CAST(EXTRACT(ISODOW FROM f.bucket AT TIME ZONE 'UTC') AS INT) IN (%(p1)s, %(p2)s)
GROUP BY
  CAST(EXTRACT(ISODOW FROM f.bucket AT TIME ZONE 'UTC') AS INT),
  CAST(EXTRACT(HOUR FROM f.bucket AT TIME ZONE 'UTC') AS INT)
ORDER BY
  clicks DESC NULLS LAST,
  weekday ASC,
  hour_of_day ASC
LIMIT 200

-- {
--  "p1": 6,
--  "p2": 7
-- }
-- weekday (dimension), hour_of_day (dimension), clicks (count)
