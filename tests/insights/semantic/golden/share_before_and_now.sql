WITH totals AS (
  SELECT
    campaign.name AS campaign,
    f.campaign_id AS campaign__key,
    SUM(f.impressions) FILTER(WHERE
      f.bucket >= %(p1)s AND f.bucket < %(p2)s) AS impressions,
    SUM(f.impressions) FILTER(WHERE
      f.bucket >= %(p3)s AND f.bucket < %(p4)s) AS impressions_before,
    SUM(COUNT(*) FILTER(WHERE
      f.bucket >= %(p1)s AND f.bucket < %(p2)s)) OVER () AS rows_found,
    SUM(COUNT(*) FILTER(WHERE
      f.bucket >= %(p3)s AND f.bucket < %(p4)s)) OVER () AS rows_found_before,
    SUM(SUM(f.impressions) FILTER(WHERE
      f.bucket >= %(p1)s AND f.bucket < %(p2)s)) OVER () AS impressions__whole
  FROM ads_deliveryday AS f
  LEFT JOIN ads_campaign AS campaign
    ON campaign.id = f.campaign_id
  WHERE
    (
      (
        f.bucket >= %(p1)s AND f.bucket < %(p2)s
      )
      OR (
        f.bucket >= %(p3)s AND f.bucket < %(p4)s
      )
    )
  GROUP BY
    f.campaign_id,
    campaign.name
), figures AS (
  SELECT
    totals.campaign AS campaign,
    totals.campaign__key AS campaign__key,
    CASE WHEN totals.rows_found > 0 THEN COALESCE(totals.impressions, 0) END AS impressions,
    CASE
      WHEN totals.rows_found_before > 0
      THEN COALESCE(totals.impressions_before, 0)
    END AS impressions_before,
    totals.impressions__whole AS impressions__whole
  FROM totals
)
SELECT
  figures.campaign AS campaign,
  figures.impressions AS impressions,
  figures.impressions_before AS impressions_before,
  figures.impressions - figures.impressions_before AS impressions_change,
  CAST((
    figures.impressions - figures.impressions_before
  ) AS DOUBLE PRECISION) / NULLIF(ABS(figures.impressions_before), 0) AS impressions_growth,
  CAST(figures.impressions AS DOUBLE PRECISION) / NULLIF(figures.impressions__whole, 0) AS impressions_share
FROM figures
ORDER BY
  impressions DESC NULLS LAST,
  campaign ASC,
  figures.campaign__key ASC
LIMIT 200

-- {
--  "p1": "2026-11-09 00:00:00+00:00",
--  "p2": "2026-11-16 00:00:00+00:00",
--  "p3": "2026-11-02 00:00:00+00:00",
--  "p4": "2026-11-09 00:00:00+00:00"
-- }
-- campaign (dimension), impressions (count), impressions_before (count), impressions_change (count), impressions_growth (share), impressions_share (share)
