SELECT
  f.device AS device,
  CAST((
    SUM(f.gross_impressions) - SUM(f.impressions)
  ) AS DOUBLE PRECISION) / NULLIF(SUM(f.gross_impressions), 0) AS invalid_share,
  (
    SUM(f.gross_impressions) - SUM(f.impressions)
  ) AS invalid_impressions,
  SUM(f.gross_impressions) AS gross_impressions
FROM ads_deliveryday AS f
GROUP BY
  f.device
ORDER BY
  invalid_share DESC NULLS LAST,
  device ASC
LIMIT 200

-- {}
-- device (dimension), invalid_share (share), invalid_impressions (count), gross_impressions (count)
