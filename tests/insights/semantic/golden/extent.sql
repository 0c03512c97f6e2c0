SELECT
  MIN(f.bucket) AS first,
  MAX(f.bucket) AS last
FROM ads_deliveryday AS f
WHERE
  (
    NOT f.device IN (%(p1)s) OR f.device IS NULL
  )
LIMIT 1

-- {
--  "p1": "tv"
-- }
-- first (day), last (day)
