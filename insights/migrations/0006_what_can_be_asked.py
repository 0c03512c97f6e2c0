"""Views that the semantic model reads, and row-level security for every table that it reaches (see 0002).

The views are ``security_invoker``: whoever reads one reads its tables under policies of their own. None of them holds a session, a viewer
or a person, and the read-only role is granted no column of their tables that they do not name. A later migration that changes the type of
one of these columns drops the view first and makes it again.
"""

from importlib import import_module

from django.db import migrations

before = import_module("insights.migrations.0002_row_level_security")

OWN_CAMPAIGNS = before.OWN.join(("(SELECT c.id FROM ads_campaign c WHERE c.advertiser_id = ", ")"))
OWN_FLIGHTS = before.OWN.join(("(SELECT f.id FROM ads_flight f JOIN ads_campaign c ON c.id = f.campaign_id WHERE c.advertiser_id = ", ")"))
TABLES = {
    "ads_flightbalance": f"flight_id IN {OWN_FLIGHTS}",
    "ads_flightforecast": f"flight_id IN {OWN_FLIGHTS}",
    # People reached by all ads, or on a title, are nobody's in particular.
    "ads_reachday": f"(dimension = 'campaign' AND subject IN {OWN_CAMPAIGNS}) OR (dimension = 'flight' AND subject IN {OWN_FLIGHTS})",
    # Titles are on show to everybody, and so is how far figures are filled.
    "catalog_title": "true",
    "catalog_genre": "true",
    "catalog_scene": "true",
    "adplatform_rollupstate": "true",
    # Nobody's rows in particular: only for those who see everything.
    "ads_funnelhour": "false",
    "ads_funnelday": "false",
    "catalog_mediaasset": "false",
    "engagement_sceneday": "false",
    "engagement_directordecision": "false",
    "engagement_directoroutcome": "false",
    "adplatform_experiment": "false",
    "adplatform_experimentreading": "false",
    "adplatform_modelversion": "false",
    "adplatform_modelreading": "false",
}

FRESHNESS = """
SELECT name, filled_to FROM adplatform_rollupstate
UNION ALL SELECT 'flights', max(computed_at) FROM ads_flightforecast
UNION ALL SELECT 'director', max(decided_at) FROM engagement_directordecision
UNION ALL SELECT 'experiments', max(at) FROM adplatform_experimentreading
UNION ALL SELECT 'models', greatest(max(v.trained_at), (SELECT max(window_to) FROM adplatform_modelreading)) FROM adplatform_modelversion v
"""
# As things stood when they were last forecast: that moment, not the reader's clock, says what runs and how many days are left.
# What is at risk, and the money of it, follow insights/live/business/risk.py; 0.02 is ads.forecast.words.TOLERANCE.
FLIGHT = """
WITH told AS (
    SELECT f.id AS flight_id, f.campaign_id, c.advertiser_id, f.tier, f.pricing, f.goal_type, f.bid_micros, f.budget_micros, f.starts_at, f.ends_at,
        CASE WHEN f.state <> 'live' THEN f.state || '_flight' WHEN c.state <> 'active' THEN c.state || '_flight' ELSE '' END AS halted,
        coalesce(o.computed_at, (SELECT max(computed_at) FROM ads_flightforecast)) AS clock,
        CASE WHEN f.goal_type = 'spend' THEN 1000000.0 ELSE 1.0 END AS unit,
        f.goal_amount::float8 AS goal,
        coalesce(b.booked_micros, 0) AS booked_micros,
        coalesce(CASE f.goal_type WHEN 'spend' THEN b.booked_micros WHEN 'clicks' THEN b.clicks WHEN 'completed_views' THEN b.completed_views
            ELSE b.impressions END, 0)::float8 AS delivered,
        CASE WHEN o.requests > 0 THEN o.expected_delivery END AS forecast,
        o.events_per_win, o.micros_per_win
    FROM ads_flight f JOIN ads_campaign c ON c.id = f.campaign_id
    LEFT JOIN ads_flightbalance b ON b.flight_id = f.id LEFT JOIN ads_flightforecast o ON o.flight_id = f.id
), expected AS (
    SELECT told.*, CASE WHEN forecast IS NOT NULL THEN greatest(forecast, delivered) END AS expected,
        CASE WHEN halted <> '' THEN halted WHEN ends_at <= clock THEN 'ended_flight' WHEN starts_at > clock THEN 'scheduled_flight'
            ELSE 'live_flight' END AS status
    FROM told
), judged AS (
    SELECT expected.*, CASE WHEN goal IS NOT NULL AND expected IS NOT NULL THEN greatest(0, goal - expected) END AS missing,
        CASE WHEN status NOT IN ('live_flight', 'scheduled_flight') THEN 'not_running' WHEN goal IS NULL OR tier = 'house' THEN 'without_goal'
            WHEN expected IS NULL THEN 'not_forecast'
            WHEN forecast < goal * 0.98 AND forecast <= goal - 1 AND round((greatest(0, goal - expected) / goal)::numeric, 4) > 0.02 THEN 'goal_at_risk'
            ELSE 'goal_in_reach' END AS outlook
    FROM expected
)
SELECT flight_id, campaign_id, advertiser_id, tier, pricing, status, outlook,
    CASE goal_type WHEN 'impressions' THEN 'impression_goal' WHEN 'completed_views' THEN 'completed_view_goal' WHEN 'clicks' THEN 'click_goal'
        ELSE 'money_goal' END AS goal_type, 1 AS flights, (outlook = 'goal_at_risk')::int AS at_risk,
    goal / unit AS goal, delivered / unit AS delivered, expected / unit AS expected, missing / unit AS missing,
    delivered / goal AS delivered_share, expected / goal AS expected_share,
    greatest(0, extract(epoch FROM ends_at - clock)::float8 / 86400) AS days_left, budget_micros, booked_micros,
    CASE WHEN outlook = 'goal_at_risk' THEN least(greatest(0, budget_micros - booked_micros), CASE
        WHEN goal_type = 'spend' THEN missing
        WHEN events_per_win > 0 AND micros_per_win > 0 THEN missing * micros_per_win / events_per_win
        WHEN (goal_type, pricing) = ('impressions', 'cpm') THEN missing * bid_micros / 1000
        WHEN (goal_type, pricing) IN (('completed_views', 'cpcv'), ('clicks', 'cpc')) THEN missing * bid_micros END) END AS at_risk_micros
FROM judged
"""
# The windows all divide by the bucket, so that a period reaches the tables below them. Filled time is what was shown, ad by ad.
LOST = """
SELECT bucket, title_id, genre, device, reason, synthetic, breaks, unfilled_milliseconds, lost_micros FROM (
    SELECT bucket, title_id, genre, device, reason, synthetic, breaks, unfilled_milliseconds,
        unfilled_milliseconds * coalesce(
            sum(earned_micros) OVER place / nullif(sum(filled_milliseconds) OVER place, 0),
            sum(earned_micros) OVER screens / nullif(sum(filled_milliseconds) OVER screens, 0),
            sum(earned_micros) OVER whole / nullif(sum(filled_milliseconds) OVER whole, 0)
        ) AS lost_micros
    FROM (
        SELECT bucket, title_id, genre, device, reason, synthetic, breaks, milliseconds AS unfilled_milliseconds, 0 AS earned_micros,
            0::float8 AS filled_milliseconds
        FROM ads_unfilledday
        UNION ALL
        SELECT d.bucket, d.title_id, d.genre, d.device, '', d.synthetic, 0, 0, sum(d.revenue_micros), sum(d.impressions * m.duration * 1000)
        FROM ads_deliveryday d JOIN ads_ad a ON a.id = d.ad_id JOIN catalog_mediaasset m ON m.id = a.asset_id
        GROUP BY d.bucket, d.title_id, d.genre, d.device, d.synthetic
    ) both_sides
    WINDOW place AS (PARTITION BY bucket, synthetic, title_id, genre, device), screens AS (PARTITION BY bucket, synthetic, device),
        whole AS (PARTITION BY bucket, synthetic)
) priced
WHERE unfilled_milliseconds > 0
"""
# As in ads/decision/stages.py.
FUNNEL = """
SELECT n.bucket, n.flight_id, n.ad_id, f.campaign_id, c.advertiser_id, f.tier, n.synthetic, n.decisions,
    CASE n.reason WHEN 'won' THEN 'won_slot' WHEN 'explored' THEN 'shown_to_learn' WHEN 'not_started' THEN 'flight_not_started' WHEN 'ended' THEN 'flight_ended'
        WHEN 'budget_spent' THEN 'flight_budget_spent' WHEN 'paced' THEN 'held_by_pacing' WHEN 'share_of_voice' THEN 'other_sponsors_turn'
        ELSE n.reason END AS reason,
    CASE WHEN n.reason IN ('won', 'explored') THEN n.decisions ELSE 0 END AS served,
    CASE WHEN n.reason IN ('won', 'explored', 'runner_up', 'pod_conflict', 'no_room', 'reservation_lost', 'holds_full', 'address_quota')
        THEN n.decisions ELSE 0 END AS eligible,
    CASE
        WHEN n.reason LIKE '%_not_targeted' OR n.reason LIKE '%_excluded' OR n.reason IN ('attribute_withheld', 'outside_daypart') THEN 'targeting_rules'
        WHEN n.reason IN ('not_started', 'ended') THEN 'flight_dates'
        WHEN n.reason IN ('budget_spent', 'goal_reached', 'daily_budget_spent', 'daily_goal_reached', 'arm_budget_spent') THEN 'nothing_left'
        WHEN n.reason IN ('caps_uncountable', 'frequency_cap', 'too_soon', 'stream_exclusive') THEN 'viewer_caps'
        WHEN n.reason = 'too_long' THEN 'too_long_for_break'
        WHEN n.reason = 'house_not_allowed' THEN 'house_not_on_title'
        WHEN n.reason = 'below_reserve' THEN 'reserve_price'
        WHEN n.reason = 'paced' THEN 'held_for_pacing'
        WHEN n.reason = 'share_of_voice' THEN 'share_of_voice_turn'
        WHEN n.reason IN ('runner_up', 'pod_conflict', 'no_room') THEN 'outbid_in_break'
        WHEN n.reason IN ('reservation_lost', 'holds_full', 'address_quota') THEN 'reservation_failed'
        WHEN n.reason IN ('won', 'explored') THEN 'served_ads'
        ELSE 'other_stage' END AS stage
FROM ads_funnel{grain} n LEFT JOIN ads_flight f ON f.id = n.flight_id LEFT JOIN ads_campaign c ON c.id = f.campaign_id
"""
REACH_CAMPAIGN = """
SELECT r.day, r.subject AS campaign_id, c.advertiser_id, r.synthetic, r.sketch
FROM ads_reachday r JOIN ads_campaign c ON c.id = r.subject WHERE r.dimension = 'campaign'
"""
REACH_FLIGHT = """
SELECT r.day, r.subject AS flight_id, f.campaign_id, c.advertiser_id, f.tier, r.synthetic, r.sketch
FROM ads_reachday r JOIN ads_flight f ON f.id = r.subject JOIN ads_campaign c ON c.id = f.campaign_id WHERE r.dimension = 'flight'
"""
REACH_TITLE = "SELECT day, subject AS title_id, synthetic, sketch FROM ads_reachday WHERE dimension = 'title'"
SCENE_DAY = """
SELECT day, title_id, scene_id, device, synthetic, starts, completed, skipped, rewound, "left", left_after, tightened, complaints, as_edited,
    seen_milliseconds, offered_milliseconds
FROM engagement_sceneday WHERE scene_id <> 0
"""
# A row a decision and nothing of who watched. What came of it counts where the viewer came to the place that it was about.
DIRECTOR = """
SELECT d.decided_at, d.title AS title_id, d.synthetic, 1 AS decisions,
    CASE d.action WHEN 'keep' THEN 'kept_plan' WHEN 'tighten' THEN 'tightened_scene' WHEN 'bring_forward' THEN 'brought_forward'
        WHEN 'move_back' THEN 'moved_back' WHEN 'linger' THEN 'lingered' WHEN 'move_break' THEN 'moved_break' WHEN 'shorten_break' THEN 'shortened_break'
        WHEN 'suggest' THEN 'suggested_title' ELSE d.action END AS action,
    CASE d.trigger WHEN 'drop' THEN 'attention_drop' ELSE d.trigger END AS trigger,
    CASE WHEN d.explored THEN 'explored_by_chance' WHEN d.intended <> '' AND d.intended <> d.action THEN 'held_back_arm'
        ELSE 'chosen_as_best' END AS choice,
    (d.applied AND d.action NOT IN ('keep', 'suggest'))::int AS changes, d.explored::int AS explored,
    (d.action = 'suggest')::int AS suggestions, coalesce(o.taken, false)::int AS taken, coalesce(o.reached, false)::int AS reached,
    CASE WHEN o.reached THEN o.watched END AS watched, (o.reached AND o.watched IS NOT NULL)::int AS watched_known
FROM engagement_directordecision d LEFT JOIN engagement_directoroutcome o ON o.decision = d.id
"""
# The last look at each metric of each arm. How many units each arm got has no effect to tell; where it is wrong, every verdict says so.
EXPERIMENT = """
SELECT r.experiment_id, e.state || '_experiment' AS state, r.metric, r.arm, CASE r.verdict WHEN 'better' THEN 'proven_better' WHEN 'worse' THEN 'proven_worse' WHEN 'mismatch' THEN 'cannot_be_read' WHEN 'breach' THEN 'guardrail_broken'
        WHEN 'no_difference' THEN 'no_difference' WHEN 'not_read' THEN 'not_read' ELSE 'not_yet_clear' END AS verdict, r.words,
    CASE WHEN r.metric = e.metric THEN 'deciding_metric' WHEN e.guardrails @> jsonb_build_array(jsonb_build_object('metric', r.metric)) THEN 'guardrail_metric'
        ELSE 'secondary_metric' END AS role,
    r.units, r.control_units, r.mean, r.control_mean, r.effect, r.low, r.high, (r.figures ->> 'change')::float8 AS change,
    (r.figures ->> 'change_low')::float8 AS change_low, (r.figures ->> 'change_high')::float8 AS change_high
FROM (
    SELECT DISTINCT ON (experiment_id, metric, arm) * FROM adplatform_experimentreading WHERE metric <> 'sample_ratio'
    ORDER BY experiment_id, metric, arm, at DESC
) r JOIN adplatform_experiment e ON e.id = r.experiment_id
"""
# Each champion with what its test said, and of what monitoring read since the last reading of each figure over a day.
MODEL = """
SELECT CASE v.kind WHEN 'ctr' THEN 'click' ELSE v.kind END || '_model' AS model, v.estimator, v.number, v.train_rows, v.test_rows,
    (v.metrics #>> '{log_loss,value}')::float8 AS log_loss, (v.metrics #>> '{log_loss,baseline}')::float8 AS log_loss_baseline,
    (v.metrics #>> '{mse,value}')::float8 AS squared_error, (v.metrics #>> '{mse,baseline}')::float8 AS squared_error_baseline,
    1 - coalesce((v.metrics #>> '{log_loss,value}')::float8 / nullif((v.metrics #>> '{log_loss,baseline}')::float8, 0),
        (v.metrics #>> '{mse,value}')::float8 / nullif((v.metrics #>> '{mse,baseline}')::float8, 0)) AS gain,
    (v.metrics #>> '{auc,value}')::float8 AS auc, (v.metrics #>> '{calibration,value}')::float8 AS calibration,
    read.live_log_loss, read.live_calibration, read.score_drift, read.feature_drift, read.drifted, coalesce(read.alarms, 0) AS alarms
FROM adplatform_modelversion v LEFT JOIN LATERAL (
    SELECT max(value) FILTER (WHERE measure = 'log_loss' AND subject = '') AS live_log_loss,
        max(value) FILTER (WHERE measure = 'calibration' AND subject = '') AS live_calibration,
        max(value) FILTER (WHERE measure = 'score_psi' AND subject = '') AS score_drift,
        max(value) FILTER (WHERE measure = 'feature_psi') AS feature_drift,
        count(*) FILTER (WHERE measure = 'feature_psi' AND alarm) AS drifted, count(*) FILTER (WHERE alarm) AS alarms
    FROM (
        SELECT DISTINCT ON (measure, subject) measure, subject, value, alarm FROM adplatform_modelreading
        WHERE version_id = v.id AND window_to - window_from >= interval '2 hours'
            AND window_to > (SELECT max(window_to) FROM adplatform_modelreading WHERE version_id = v.id) - interval '2 days'
        ORDER BY measure, subject, window_to DESC
    ) latest
) read ON true
WHERE v.alias = 'champion'
"""
VIEWS = {
    "insights_freshness": FRESHNESS,
    "insights_flight": FLIGHT,
    "insights_lostday": LOST,
    "insights_funnelhour": FUNNEL.format(grain="hour"),
    "insights_funnelday": FUNNEL.format(grain="day"),
    "insights_reachcampaign": REACH_CAMPAIGN,
    "insights_reachflight": REACH_FLIGHT,
    "insights_reachtitle": REACH_TITLE,
    "insights_sceneday": SCENE_DAY,
    "insights_director": DIRECTOR,
    "insights_experiment": EXPERIMENT,
    "insights_model": MODEL,
}


def forwards(apps, schema_editor):
    before.protect(schema_editor, TABLES)
    for name, select in VIEWS.items():
        schema_editor.execute(f"CREATE VIEW {name} WITH (security_invoker = true) AS {select}", params=None)


def backwards(apps, schema_editor):
    for name in VIEWS:
        schema_editor.execute(f"DROP VIEW {name}")
    before.expose(schema_editor, TABLES)


class Migration(migrations.Migration):
    dependencies = [
        ("insights", "0005_asking"),
        ("adplatform", "0005_rollup_days"),
        ("ads", "0013_a_month_of_one_campaign"),
        ("catalog", "0001_initial"),
        ("engagement", "0006_a_month_of_one_title"),
    ]
    operations = [migrations.RunPython(forwards, backwards)]
