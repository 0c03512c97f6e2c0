SELECT
  genre.name AS genre,
  CAST(SUM(f.clicks) AS DOUBLE PRECISION) / NULLIF(SUM(f.impressions), 0) AS ctr,
  SUM(f.clicks) AS clicks,
  SUM(f.impressions) AS impressions
FROM ads_deliveryday AS f
LEFT JOIN catalog_genre AS genre
  ON genre.slug = f.genre
GROUP BY
  f.genre,
  genre.name
HAVING
  SUM(f.impressions) >= %(p1)s
ORDER BY
  ctr DESC NULLS LAST,
  genre ASC,
  f.genre ASC
LIMIT 200

-- {
--  "p1": 1000.0
-- }
-- genre (dimension), ctr (share), clicks (count), impressions (count)
