WITH totals AS (
  SELECT
    f.kind AS kind,
    ARRAY_AGG(f.people) FILTER(WHERE
      f.day >= %(p1)s AND f.day < %(p2)s) AS people,
    ARRAY_AGG(f.people) FILTER(WHERE
      f.day >= %(p3)s AND f.day < %(p4)s) AS people_before,
    SUM(COUNT(*) FILTER(WHERE
      f.day >= %(p1)s AND f.day < %(p2)s)) OVER () AS rows_found,
    SUM(COUNT(*) FILTER(WHERE
      f.day >= %(p3)s AND f.day < %(p4)s)) OVER () AS rows_found_before
  FROM orchard_visit AS f
  WHERE
    (
      (
        f.day >= %(p1)s AND f.day < %(p2)s
      )
      OR (
        f.day >= %(p3)s AND f.day < %(p4)s
      )
    )
  GROUP BY
    f.kind
), figures AS (
  SELECT
    totals.kind AS kind,
    totals.people AS people,
    totals.people_before AS people_before
  FROM totals
)
SELECT
  figures.kind AS kind,
  figures.people AS people,
  figures.people_before AS people_before
FROM figures
ORDER BY
  kind ASC
LIMIT 5000

-- {
--  "p1": "2026-11-09",
--  "p2": "2026-11-16",
--  "p3": "2026-11-02",
--  "p4": "2026-11-09"
-- }
-- kind (dimension), people (count), people_before (count), people_change (count), people_growth (share)
-- Finish(columns=(Made(how='as_read', of=0, before=-1), Made(how='sketch', of=1, before=-1), Made(how='sketch', of=2, before=-1), Made(how='change', of=1, before=2), Made(how='growth', of=1, before=2)), least=(), count=0, having=(), order=((1, True), (0, False)), limit=3, nobody_is_zero=False)
