SELECT
  f.site AS site,
  SUM(f.visits) AS visits,
  ARRAY_AGG(f.people) AS people
FROM orchard_visit AS f
WHERE
  f.day >= %(p1)s AND f.day < %(p2)s
GROUP BY
  f.site
ORDER BY
  site ASC
LIMIT 5000

-- {
--  "p1": "2026-11-09",
--  "p2": "2026-11-16"
-- }
-- site (dimension), visits (count), people (count)
-- Finish(columns=(Made(how='as_read', of=0, before=-1), Made(how='as_read', of=1, before=-1), Made(how='sketch', of=2, before=-1)), least=(2,), count=3, having=(), order=((1, True), (0, False)), limit=200, nobody_is_zero=False)
