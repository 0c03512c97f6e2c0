-- Scenes of the last weeks, and what the Director decided in them. Parameters: today, midnight, days, decisions.

INSERT INTO engagement_sceneday (day, title_id, scene_id, device, synthetic, starts, completed, skipped, rewound, "left", left_after, tightened, complaints,
  as_edited, seen_milliseconds, offered_milliseconds)
SELECT %(today)s::date - n, s.title_id, s.id, device, n %% 2 = 0, starts, starts * (60 + (place * 7 + n) %% 35) / 100, starts / 9, starts / 14,
  starts / 8 + place %% 3, place %% 2, starts / 5, place %% 2, 0, starts * (50000 + place * 1000)::bigint, starts * 60000::bigint
FROM generate_series(1, %(days)s) n, catalog_scene s JOIN catalog_title t ON t.id = s.title_id, unnest(ARRAY['tv', 'mobile']) device,
  LATERAL (SELECT s.position::int AS place, (60 - s.position * 4 + (n * 5 + length(t.slug) * 3 + length(device)) %% 17)::bigint AS starts) x;

-- The whole film is scene 0.
INSERT INTO engagement_sceneday (day, title_id, scene_id, device, synthetic, starts, completed, skipped, rewound, "left", left_after, tightened, complaints,
  as_edited, seen_milliseconds, offered_milliseconds)
SELECT day, title_id, 0, device, synthetic, max(starts), min(completed), 0, 0, sum("left"), sum(left_after), 0, 0, 1, sum(seen_milliseconds),
  sum(offered_milliseconds)
FROM engagement_sceneday WHERE day <= %(today)s GROUP BY day, title_id, device, synthetic;

INSERT INTO engagement_directordecision (id, session, title, decided_at, trigger, epoch, place, action, intended, arm, explored, applied, reason,
  engagement, leave_risk, alternatives, features, propensity, milliseconds, synthetic, gain, gain_low)
SELECT md5('decision' || n)::uuid, md5('session' || n / 4)::uuid, (SELECT min(id) FROM catalog_title) + n %% 12,
  %(midnight)s::timestamptz - n * interval '19 minutes', 'scene_start', 0, 1 + n %% 6, action, action,
  CASE WHEN n %% 5 = 0 THEN 'control' ELSE 'director' END, n %% 10 = 3, action NOT IN ('keep', 'suggest') AND n %% 5 <> 0, '',
  0.5 + n %% 40 / 100.0, 0.05 + n %% 20 / 100.0, '[]', '{}', 1, 1 + n %% 3, true, 100, 10
FROM generate_series(1, %(decisions)s) n, LATERAL (SELECT (ARRAY['keep', 'keep', 'tighten', 'bring_forward', 'linger', 'move_break', 'shorten_break',
  'suggest'])[1 + n %% 8] AS action) chosen;

-- What came of those that were reached.
INSERT INTO engagement_directoroutcome (decision, decided_at, session, reached, watched, coming, stayed_seconds, revenue_micros, taken, judged_at)
SELECT d.id, d.decided_at, d.session, reached, CASE WHEN reached THEN 0.4 + n %% 50 / 100.0 + CASE WHEN d.applied THEN 0.05 ELSE 0 END END,
  CASE WHEN reached THEN 0.35 + n %% 50 / 100.0 END, CASE WHEN reached THEN 60 + n %% 300 END, 1000 * (n %% 30), false,
  d.decided_at + interval '40 minutes'
FROM (SELECT *, row_number() OVER (ORDER BY decided_at) AS n FROM engagement_directordecision WHERE decided_at < %(midnight)s) d,
  LATERAL (SELECT n %% 4 > 0 AS reached) r;
