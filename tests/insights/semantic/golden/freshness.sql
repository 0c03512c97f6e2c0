SELECT
  s.filled_to AS filled_to
FROM adplatform_rollupstate AS s
WHERE
  s.name = %(p1)s
LIMIT 1

-- {
--  "p1": "ads.delivery"
-- }
-- filled_to (time)
