SELECT
  f.synthetic AS synthetic
FROM ads_deliveryday AS f
WHERE
  (
    NOT f.device IN (%(p1)s) OR f.device IS NULL
  )
  AND f.bucket >= %(p2)s
  AND f.bucket < %(p3)s
  AND f.synthetic
LIMIT 1

-- {
--  "p1": "tv",
--  "p2": "2026-11-09 00:00:00+00:00",
--  "p3": "2026-11-16 00:00:00+00:00"
-- }
-- synthetic (dimension)
