-- The figures of the questions' world, written by a rule: the same on every machine. Parameters: now, midnight, first (day), kept (of a
-- thousand cells), hours (of a day that a cell shows in) and breaks_kept.

CREATE OR REPLACE FUNCTION pg_temp.dice(said text) RETURNS int IMMUTABLE PARALLEL SAFE LANGUAGE sql
AS $$ SELECT ('x' || substr(md5(said), 1, 7))::bit(28)::int $$;

CREATE TEMP TABLE film AS
SELECT t.id AS title_id, t.slug, CASE t.slug
  WHEN 'ember-coast' THEN 'drama'
  WHEN 'night-relay' THEN 'thriller'
  WHEN 'orbit-nine' THEN 'sci-fi'
  WHEN 'the-quiet-pines' THEN 'mystery'
  WHEN 'dune-letters' THEN 'romance'
  WHEN 'glass-harbor' THEN 'thriller'
  WHEN 'signal-town' THEN 'comedy'
  WHEN 'winterline' THEN 'family'
  WHEN 'red-meridian' THEN 'sci-fi'
  WHEN 'halo-drift' THEN 'sci-fi'
  WHEN 'paper-lanterns' THEN 'romance'
  WHEN 'low-tide-club' THEN 'comedy' END AS genre
FROM catalog_title t;

-- A place is a title on a device in one hour of a day.
CREATE TEMP TABLE place AS
SELECT t.title_id, t.slug, t.genre, device,
  day + hour * interval '1 hour' AS bucket, pg_temp.dice(concat_ws('/', 'real', t.slug, device, day::date, hour)) %% 4 > 0 AS synthetic,
  pg_temp.dice(concat_ws('/', 'much', t.slug, device, day::date, hour)) AS much,
  pg_temp.dice(concat_ws('/', 'part', t.slug, device, day::date, hour)) AS part,
  pg_temp.dice(concat_ws('/', 'why', t.slug, device, day::date, hour)) AS why
FROM film t,
  unnest(ARRAY['tv', 'desktop', 'mobile', 'tablet']) device, generate_series(%(first)s::timestamptz, %(midnight)s::timestamptz, '1 day') day, generate_series(0, 23) hour
WHERE pg_temp.dice(concat_ws('/', 'place', t.slug, device, day::date, hour)) %% 1000 < %(breaks_kept)s / (CASE WHEN %(hours)s > 1 THEN 1 ELSE 10 END)
  AND day + hour * interval '1 hour' <= %(now)s;

-- Who showed what, where and when, hour by hour: first the cells, then their figures.
WITH cell AS MATERIALIZED (
SELECT * FROM (
  SELECT c.advertiser_id, c.id AS campaign_id, f.id AS flight_id, a.id AS ad_id, a.universal_ad_id AS ad, t.title_id, t.slug, t.genre,
    device, day, f.pricing, f.tier, f.bid_micros,
    CASE WHEN %(hours)s > 1 THEN h ELSE (ARRAY[20,21,19,22,18,20,23,12,13,16,8,7,10,2,17,15])[1 + pg_temp.dice(concat_ws('/', 'hour', a.universal_ad_id, t.slug, device, day::date)) %% 16] END AS hour, h
  FROM ads_ad a JOIN ads_flight f ON f.id = a.flight_id JOIN ads_campaign c ON c.id = f.campaign_id, film t, unnest(ARRAY['tv', 'desktop', 'mobile', 'tablet']) device,
    generate_series(%(first)s::timestamptz, %(midnight)s::timestamptz, '1 day') day, generate_series(0, %(hours)s - 1) h
  WHERE f.state <> 'draft' AND f.starts_at <= day AND day < f.ends_at
    AND pg_temp.dice(concat_ws('/', 'kept', a.universal_ad_id, t.slug, device, day::date, h)) %% 1000 < %(kept)s
) cell WHERE day + hour * interval '1 hour' <= %(now)s
), shown AS MATERIALIZED (
SELECT cell.*, day + hour * interval '1 hour' AS bucket, pg_temp.dice(concat_ws('/', 'synthetic', ad, slug, device, day::date, hour)) %% 3 > 0 AS synthetic,
  round((3 + pg_temp.dice(concat_ws('/', 'shown', ad, slug, device, day::date, hour)) %% 9) * (1 + pg_temp.dice(concat_ws('/', 'ad', ad)) %% 60 / 50.0) * CASE WHEN extract(isodow FROM day AT TIME ZONE 'UTC') > 5 THEN 1.4 ELSE 1 END
    * CASE device WHEN 'tv' THEN 1.5 WHEN 'tablet' THEN 0.7 ELSE 1 END)::bigint AS impressions
FROM cell
), rated AS MATERIALIZED (
SELECT shown.*,
  (impressions * (CASE pricing WHEN 'cpc' THEN 45 ELSE 18 END + pg_temp.dice(concat_ws('/', 'ctr', ad)) %% 20) * CASE device WHEN 'tv' THEN 0.5 WHEN 'mobile' THEN 1.5 ELSE 1 END
    * CASE WHEN device = 'mobile' AND day = %(midnight)s::timestamptz - interval '1 day' THEN 0.3 ELSE 1 END
    * (0.85 + pg_temp.dice(concat_ws('/', 'day', day::date)) %% 31 / 100.0)) AS clicks_in_a_thousand,
  floor(impressions * (0.45 + pg_temp.dice(concat_ws('/', 'completion', ad)) %% 30 / 100.0 + CASE device WHEN 'tv' THEN 0.15 ELSE 0 END))::bigint AS completed
FROM shown
), counted AS MATERIALIZED (
SELECT rated.*, floor((clicks_in_a_thousand + pg_temp.dice(concat_ws('/', 'click', ad, slug, device, day::date, hour)) %% 1000) / 1000)::bigint AS clicks,
  floor((impressions - completed) * (pg_temp.dice(concat_ws('/', 'skip', ad, slug, device, day::date, hour)) %% 60) / 100.0)::bigint AS skipped,
  CASE WHEN pg_temp.dice(concat_ws('/', 'bad', ad, slug, device, day::date, hour)) %% 12 = 0 THEN 1 + pg_temp.dice(concat_ws('/', 'much', ad, slug, device, day::date, hour)) %% 3 ELSE 0 END AS bad,
  CASE WHEN pg_temp.dice(concat_ws('/', 'error', ad, slug, device, day::date, hour)) %% 25 = 0 THEN 1 ELSE 0 END AS errors
FROM rated
),
  priced AS MATERIALIZED (
SELECT counted.*, CASE WHEN tier = 'house' THEN 0 WHEN pricing = 'cpm' THEN impressions * bid_micros / 1000 WHEN pricing = 'cpcv' THEN completed * bid_micros
  ELSE clicks * bid_micros END AS booked FROM counted
)
INSERT INTO ads_deliveryhour (bucket, advertiser_id, campaign_id, flight_id, ad_id, title_id, genre, device, synthetic, decided, impressions,
  first_quartiles, midpoints, third_quartiles, completed_views, skips, clicks, gross_impressions, gross_completed_views, gross_clicks, errors,
  invalid, revenue_micros, reversed_micros)
SELECT bucket, advertiser_id, campaign_id, flight_id, ad_id, title_id, genre, device, synthetic, impressions + errors, impressions,
  completed + (impressions - completed) * 2 / 3, completed + (impressions - completed) / 2, completed + (impressions - completed) / 4, completed,
  skipped, clicks, impressions + bad, completed + bad / 2, clicks + bad / 3, errors, bad, booked - taken, taken
FROM priced, LATERAL (SELECT CASE WHEN pg_temp.dice(concat_ws('/', 'taken', ad, slug, device, day::date, hour)) %% 40 = 0 THEN booked / 2 ELSE 0 END AS taken) reversal;

-- Breaks asked for and filled.
WITH asked AS MATERIALIZED (
  SELECT place.*, 4 + much %% 20 AS requests, (4 + much %% 20) - part %% 4 AS filled FROM place)
INSERT INTO ads_breakhour (bucket, title_id, genre, device, synthetic, requests, filled, slots_offered, slots_filled, unfilled_milliseconds, decision_microseconds)
SELECT bucket, title_id, genre, device, synthetic, requests, filled, requests * 3, filled * 2 + part %% 3,
  (requests - filled) * 30000 + (part %% 5) * 4000, requests * 1300 FROM asked;

-- What stayed empty, by two reasons a place.
INSERT INTO ads_unfilledhour (bucket, title_id, genre, device, reason, synthetic, breaks, milliseconds)
SELECT b.bucket, b.title_id, b.genre, b.device, reason, b.synthetic, 1 + n, CASE n WHEN 0 THEN unfilled_milliseconds - unfilled_milliseconds / 4 ELSE unfilled_milliseconds / 4 END
FROM ads_breakhour b, generate_series(0, 1) n, LATERAL (SELECT (ARRAY['capped', 'sold_out', 'no_candidate', 'below_reserve', 'paced_out', 'too_short_for_any'])
  [1 + (pg_temp.dice(concat_ws('/', b.device, b.bucket AT TIME ZONE 'UTC', b.genre)) + n) %% 6] AS reason) why
WHERE b.unfilled_milliseconds > 0;

-- Sessions, of whole films alone (scene 0).
INSERT INTO engagement_playbackhour (bucket, title_id, scene_id, genre, device, synthetic, sessions, finished, scene_starts, scene_ends, exits, rewinds, skips,
  pauses, watch_milliseconds, stall_milliseconds, director_decisions, director_changes, rating_stars, ratings)
SELECT bucket, title_id, 0, genre, device, synthetic, 2 + much %% 11, (2 + much %% 11) * (30 + part %% 40) / 100, 0, 0,
  2 + much %% 11 - (2 + much %% 11) * (30 + part %% 40) / 100, why %% 5, why %% 3, why %% 7, (2 + much %% 11) * (200000 + part %% 300000)::bigint,
  why %% 9000, 6 + much %% 20, much %% 4, (why %% 3) * (2 + part %% 4), why %% 3 FROM place;

-- What does not count, by reason.
INSERT INTO ads_invalidhour (bucket, advertiser_id, campaign_id, flight_id, ad_id, type, reason, synthetic, events)
SELECT bucket, advertiser_id, campaign_id, flight_id, ad_id, 'ad.impression', reason, synthetic, sum(invalid) FROM ads_deliveryhour d,
  LATERAL (SELECT (ARRAY['crawler', 'viewer_rate', 'late', 'expired_token'])[1 + pg_temp.dice(concat_ws('/', device, bucket AT TIME ZONE 'UTC')) %% 4] AS reason) why
WHERE invalid > 0 GROUP BY bucket, advertiser_id, campaign_id, flight_id, ad_id, reason, synthetic;

-- Why ads served and why not, of the last month.
INSERT INTO ads_funnelhour (bucket, flight_id, ad_id, reason, synthetic, decisions)
SELECT bucket, flight_id, ad_id, reason, synthetic, sum(decided * times) FROM ads_deliveryhour,
  (VALUES ('served', 1), ('targeting_device', 2), ('capped', 1), ('lost_auction', 3)) AS stage(reason, times)
WHERE bucket >= %(midnight)s::timestamptz - interval '30 days' GROUP BY bucket, flight_id, ad_id, reason, synthetic;

-- Days are the sums of their hours.
INSERT INTO ads_deliveryday (bucket, advertiser_id, campaign_id, flight_id, ad_id, title_id, genre, device, synthetic, decided, impressions, first_quartiles, midpoints, third_quartiles, completed_views, skips, clicks, gross_impressions, gross_completed_views, gross_clicks, errors, invalid, revenue_micros, reversed_micros)
SELECT date_trunc('day', bucket, 'UTC'), advertiser_id, campaign_id, flight_id, ad_id, title_id, genre, device, synthetic, sum(decided), sum(impressions), sum(first_quartiles), sum(midpoints), sum(third_quartiles), sum(completed_views), sum(skips), sum(clicks), sum(gross_impressions), sum(gross_completed_views), sum(gross_clicks), sum(errors), sum(invalid), sum(revenue_micros), sum(reversed_micros) FROM ads_deliveryhour GROUP BY date_trunc('day', bucket, 'UTC'), advertiser_id, campaign_id, flight_id, ad_id, title_id, genre, device, synthetic;

INSERT INTO ads_breakday (bucket, title_id, genre, device, synthetic, requests, filled, slots_offered, slots_filled, unfilled_milliseconds, decision_microseconds)
SELECT date_trunc('day', bucket, 'UTC'), title_id, genre, device, synthetic, sum(requests), sum(filled), sum(slots_offered), sum(slots_filled), sum(unfilled_milliseconds), sum(decision_microseconds)
FROM ads_breakhour GROUP BY date_trunc('day', bucket, 'UTC'), title_id, genre, device, synthetic;

INSERT INTO ads_unfilledday (bucket, title_id, genre, device, reason, synthetic, breaks, milliseconds)
SELECT date_trunc('day', bucket, 'UTC'), title_id, genre, device, reason, synthetic, sum(breaks), sum(milliseconds)
FROM ads_unfilledhour GROUP BY date_trunc('day', bucket, 'UTC'), title_id, genre, device, reason, synthetic;

INSERT INTO ads_invalidday (bucket, advertiser_id, campaign_id, flight_id, ad_id, type, reason, synthetic, events)
SELECT date_trunc('day', bucket, 'UTC'), advertiser_id, campaign_id, flight_id, ad_id, type, reason, synthetic, sum(events)
FROM ads_invalidhour GROUP BY date_trunc('day', bucket, 'UTC'), advertiser_id, campaign_id, flight_id, ad_id, type, reason, synthetic;

INSERT INTO ads_funnelday (bucket, flight_id, ad_id, reason, synthetic, decisions)
SELECT date_trunc('day', bucket, 'UTC'), flight_id, ad_id, reason, synthetic, sum(decisions)
FROM ads_funnelhour GROUP BY date_trunc('day', bucket, 'UTC'), flight_id, ad_id, reason, synthetic;

INSERT INTO engagement_playbackday (bucket, title_id, scene_id, genre, device, synthetic, sessions, finished, scene_starts, scene_ends, exits, rewinds, skips, pauses, watch_milliseconds, stall_milliseconds, director_decisions, director_changes, rating_stars, ratings)
SELECT date_trunc('day', bucket, 'UTC'), title_id, scene_id, genre, device, synthetic, sum(sessions), sum(finished), sum(scene_starts), sum(scene_ends), sum(exits), sum(rewinds), sum(skips), sum(pauses), sum(watch_milliseconds), sum(stall_milliseconds), sum(director_decisions), sum(director_changes), sum(rating_stars), sum(ratings)
FROM engagement_playbackhour GROUP BY date_trunc('day', bucket, 'UTC'), title_id, scene_id, genre, device, synthetic;

-- One entry for what a cell was charged; one in thirty is booked a day later.
INSERT INTO ads_ledgerentry (decision, slot, kind, flight_id, campaign_id, advertiser_id, ad_id, amount_micros, reason, note, event, occurred_at, booked_at, synthetic)
SELECT md5(concat_ws('/', 'entry', d.bucket::text, d.ad_id::text, d.title_id::text, d.device, d.synthetic::text))::uuid, 0, CASE f.pricing WHEN 'cpm' THEN 'impression' WHEN 'cpcv' THEN 'completed_view' ELSE 'click' END,
  d.flight_id, d.campaign_id, d.advertiser_id, d.ad_id, d.revenue_micros + d.reversed_micros, '', '', md5(concat_ws('/', 'event', d.bucket::text, d.ad_id::text, d.title_id::text, d.device, d.synthetic::text))::uuid,
  d.bucket + interval '20 minutes', d.bucket + interval '25 minutes' + CASE WHEN late AND d.bucket < %(midnight)s THEN interval '1 day' ELSE interval '0' END,
  d.synthetic
FROM ads_deliveryhour d JOIN ads_flight f ON f.id = d.flight_id, LATERAL (SELECT pg_temp.dice(concat_ws('/', 'late', f.name, d.title_id - (SELECT min(id) FROM catalog_title), d.device, d.bucket AT TIME ZONE 'UTC')) %% 30 = 0 AS late) l
WHERE d.revenue_micros + d.reversed_micros > 0;

-- What was taken back is a reversal of its own.
INSERT INTO ads_ledgerentry (decision, slot, kind, flight_id, campaign_id, advertiser_id, ad_id, amount_micros, reason, note, event, occurred_at, booked_at, synthetic)
SELECT md5(concat_ws('/', 'entry', d.bucket::text, d.ad_id::text, d.title_id::text, d.device, d.synthetic::text))::uuid, 0, 'reversal', d.flight_id, d.campaign_id, d.advertiser_id, d.ad_id, -d.reversed_micros, 'viewer_rate', '',
  md5(concat_ws('/', 'back', d.bucket::text, d.ad_id::text, d.title_id::text, d.device, d.synthetic::text))::uuid, d.bucket + interval '20 minutes', d.bucket + interval '50 minutes', d.synthetic
FROM ads_deliveryhour d WHERE d.reversed_micros > 0;

-- What is booked on each flight.
INSERT INTO ads_flightbalance (flight_id, booked_micros, impressions, completed_views, clicks, day, day_booked_micros, day_delivered, version)
SELECT f.id, coalesce(sum(revenue_micros), 0), coalesce(sum(d.impressions), 0), coalesce(sum(d.completed_views), 0), coalesce(sum(d.clicks), 0), NULL, 0, 0, 1
FROM ads_flight f LEFT JOIN ads_deliveryday d ON d.flight_id = f.id WHERE f.state <> 'draft' GROUP BY f.id
ON CONFLICT (flight_id) DO UPDATE SET booked_micros = excluded.booked_micros, impressions = excluded.impressions,
  completed_views = excluded.completed_views, clicks = excluded.clicks, version = 2;

-- A flight with a goal was sold about what it delivers.
WITH pace AS (
  SELECT f.id, b.booked_micros, CASE f.goal_type WHEN 'completed_views' THEN b.completed_views WHEN 'clicks' THEN b.clicks WHEN 'spend' THEN b.booked_micros
    ELSE b.impressions END AS so_far, 1 + extract(epoch FROM f.ends_at - %(now)s) / extract(epoch FROM %(now)s - f.starts_at) AS whole
  FROM ads_flight f JOIN ads_flightbalance b ON b.flight_id = f.id WHERE f.goal_amount IS NOT NULL AND f.starts_at < %(now)s)
UPDATE ads_flight f SET goal_amount = greatest(10, ceil(so_far * whole)::bigint), budget_micros = greatest(f.budget_micros, booked_micros * 2)
FROM pace WHERE pace.id = f.id;

-- Every third of them is bound to end a fifth below.
INSERT INTO ads_flightforecast (flight_id, computed_at, supply, layers, requests, eligible, win_share, settle_share, events_per_win, micros_per_win, expected_delivery, warning)
SELECT f.id, %(now)s - interval '20 minutes', '[]', '[]', 5000, 40000, 0.2, 0.9, 1, 15000,
  CASE WHEN pg_temp.dice(concat_ws('/', f.name)) %% 3 = 0 THEN goal * 0.8 ELSE goal * 1.06 END,
  CASE WHEN pg_temp.dice(concat_ws('/', f.name)) %% 3 = 0 THEN 'It is expected to end a fifth below its goal.' ELSE '' END
FROM ads_flight f JOIN ads_flightbalance b ON b.flight_id = f.id,
  LATERAL (SELECT coalesce(f.goal_amount, b.impressions * 2 + 100)::float AS goal) g WHERE f.state IN ('live', 'paused') AND f.ends_at > %(now)s;

DROP TABLE film, place;
