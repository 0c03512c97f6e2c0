SELECT
  e.id AS key,
  e.name AS name
FROM ads_campaign AS e
WHERE
  e.advertiser_id = %(p1)s
ORDER BY
  e.name,
  e.id
LIMIT 5000

-- {
--  "p1": 7
-- }
-- key (dimension), name (dimension)
