WITH totals AS (
  SELECT
    f.device AS device,
    CAST(SUM(f.watch_milliseconds) AS DOUBLE PRECISION) / 3600000 AS watch_time,
    SUM(CAST(SUM(f.watch_milliseconds) AS DOUBLE PRECISION) / 3600000) OVER () AS watch_time__whole
  FROM engagement_playbackday AS f
  GROUP BY
    f.device
)
SELECT
  totals.device AS device,
  totals.watch_time AS watch_time,
  CAST(totals.watch_time AS DOUBLE PRECISION) / NULLIF(totals.watch_time__whole, 0) AS watch_time_share
FROM totals
WHERE
  totals.device IN (%(p1)s)
ORDER BY
  watch_time DESC NULLS LAST,
  device ASC
LIMIT 200

-- {
--  "p1": "tv"
-- }
-- device (dimension), watch_time (hours), watch_time_share (share)
