SELECT
  crate.marked AS crate,
  f.site AS site,
  MIN(f.kilos) AS kilos,
  CAST(MIN(f.price_micros) AS DOUBLE PRECISION) / 1000000 AS price
FROM orchard_stock AS f
LEFT JOIN orchard_crate AS crate
  ON crate.id = f.crate_id
GROUP BY
  f.crate_id,
  crate.marked,
  f.site
ORDER BY
  kilos DESC NULLS LAST,
  crate ASC,
  site ASC,
  f.crate_id ASC
LIMIT 200

-- {}
-- crate (dimension), site (dimension), kilos (number), price (money)
