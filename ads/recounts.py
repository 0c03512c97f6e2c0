"""How a day of each advertising rollup is counted anew: from the events, the decisions and, for money, the ledger alone.

Facts stand under the keys that the consumer gave them (`facts.py`, `effects.py`): title, genre and device of the break's decision, or
what the event's token says where the decision was lost; the campaign as stored with the event.
"""
# ruff: noqa: S608 (composed of names of ours alone)

from __future__ import annotations

from typing import LiteralString

from adplatform.eventlog.rebuild import Facts, Recount

from .decided import UNTOLD
from .rollups import BREAKS, DELIVERY, FUNNEL, INVALID, UNFILLED

_BREAK: LiteralString = (
    "SELECT id, coalesce(title, 0) AS title, coalesce(request->'genres'->>0, '') AS genre, coalesce(request->>'device', '') AS device"
    " FROM {ads_decision} WHERE day BETWEEN %(first)s AND %(last)s"
)
_WITHIN: LiteralString = "d.day BETWEEN %(first)s AND %(last)s AND d.decided_at >= %(since)s AND d.decided_at < %(until)s"
_DECIDED: LiteralString = (
    "coalesce(d.title, 0) AS title_id, coalesce(d.request->'genres'->>0, '') AS genre, coalesce(d.request->>'device', '') AS device, d.synthetic"
)
_EMPTY: LiteralString = (
    "(d.request->>'duration')::float8 - (SELECT coalesce(sum((s->>'duration')::float8 ORDER BY place), 0)"
    " FROM jsonb_array_elements(d.slots) WITH ORDINALITY AS slot(s, place))"
)

_EVENTS = Facts(
    "SELECT e.occurred_at AS moment, coalesce(c.advertiser_id, 0) AS advertiser_id, e.campaign AS campaign_id, e.flight AS flight_id,"
    " e.ad AS ad_id, CASE WHEN b.id IS NULL THEN coalesce(e.title, 0) ELSE b.title END AS title_id, coalesce(b.genre, '') AS genre,"
    " coalesce(b.device, '') AS device, e.synthetic,"
    " (e.valid AND e.type = 'ad.impression')::int AS impressions, (e.valid AND e.type = 'ad.first_quartile')::int AS first_quartiles,"
    " (e.valid AND e.type = 'ad.midpoint')::int AS midpoints, (e.valid AND e.type = 'ad.third_quartile')::int AS third_quartiles,"
    " (e.valid AND e.type = 'ad.complete')::int AS completed_views, (e.valid AND e.type = 'ad.skip')::int AS skips,"
    " (e.valid AND e.type = 'ad.click')::int AS clicks, (e.type = 'ad.impression')::int AS gross_impressions,"
    " (e.type = 'ad.complete')::int AS gross_completed_views, (e.type = 'ad.click')::int AS gross_clicks,"
    " (e.valid AND e.type = 'ad.error')::int AS errors, (NOT e.valid)::int AS invalid,"
    " (e.valid AND e.type = 'ad.start')::int AS starts, (e.valid AND e.type = 'ad.viewable')::int AS viewable"
    f" FROM {{ads_adevent}} e LEFT JOIN ads_campaign c ON c.id = e.campaign LEFT JOIN ({_BREAK}) b ON b.id = e.decision"
    " WHERE e.day BETWEEN %(first)s AND %(last)s AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s"
    " AND (NOT e.valid OR e.type IN ('ad.impression', 'ad.first_quartile', 'ad.midpoint', 'ad.third_quartile', 'ad.complete', 'ad.skip',"
    " 'ad.click', 'ad.error', 'ad.start', 'ad.viewable'))",
    (
        "impressions", "first_quartiles", "midpoints", "third_quartiles", "completed_views", "skips", "clicks", "gross_impressions",
        "gross_completed_views", "gross_clicks", "errors", "invalid", "starts", "viewable",
    ),
)  # fmt: skip
# A charge is booked when it is received, within a day of when it happened; what was given back, however late, lowers the time it came from.
_MONEY = Facts(
    "SELECT l.occurred_at AS moment, l.advertiser_id, l.campaign_id, l.flight_id, l.ad_id,"
    " CASE WHEN b.id IS NULL THEN coalesce((SELECT e.title FROM {ads_adevent} e WHERE e.id = l.event"
    " AND e.day BETWEEN %(first)s AND %(last)s), 0) ELSE b.title END AS title_id,"
    " coalesce(b.genre, '') AS genre, coalesce(b.device, '') AS device, l.synthetic,"
    " l.amount_micros + coalesce(r.amount_micros, 0) AS revenue_micros, -coalesce(r.amount_micros, 0) AS reversed_micros"
    " FROM ads_ledgerentry l LEFT JOIN ads_ledgerentry r"
    " ON r.decision = l.decision AND r.slot = l.slot AND r.kind = 'reversal' AND r.event = l.event"
    f" LEFT JOIN ({_BREAK}) b ON b.id = l.decision"
    " WHERE l.kind <> 'reversal' AND l.booked_at >= %(since)s - interval '2 days' AND l.booked_at < %(until)s + interval '2 days'"
    " AND l.occurred_at >= %(since)s AND l.occurred_at < %(until)s",
    ("revenue_micros", "reversed_micros"),
)
_WON = Facts(
    "SELECT d.decided_at AS moment, (s->>'advertiser')::bigint AS advertiser_id, (s->>'campaign')::bigint AS campaign_id,"
    f" (s->>'flight')::bigint AS flight_id, (s->>'ad')::bigint AS ad_id, {_DECIDED}, 1 AS decided"
    f" FROM {{ads_decision}} d CROSS JOIN LATERAL jsonb_array_elements(d.slots) s WHERE {_WITHIN}",
    ("decided",),
)
_BREAKS = Facts(
    f"SELECT d.decided_at AS moment, {_DECIDED}, 1 AS requests, (jsonb_array_length(d.slots) > 0)::int AS filled,"
    " (d.request->>'max_ads')::bigint AS slots_offered, jsonb_array_length(d.slots) AS slots_filled,"
    f" round(greatest(0, {_EMPTY}) * 1000)::bigint AS unfilled_milliseconds, round(d.milliseconds * 1000)::bigint AS decision_microseconds"
    f" FROM {{ads_decision}} d WHERE {_WITHIN}",
    BREAKS.measures,
)
_UNFILLED = Facts(
    "SELECT moment, title_id, genre, device, reason, synthetic, 1 AS breaks, round(seconds * 1000)::bigint AS milliseconds FROM ("
    f"SELECT d.decided_at AS moment, {_DECIDED},"
    f" CASE WHEN d.explanation ? 'unfilled' THEN d.explanation->'unfilled'->>'reason' ELSE '{UNTOLD}' END AS reason,"
    f" CASE WHEN d.explanation ? 'unfilled' THEN (d.explanation->'unfilled'->>'seconds')::float8 ELSE nullif(greatest(0, {_EMPTY}), 0) END AS seconds"
    f" FROM {{ads_decision}} d WHERE {_WITHIN}) told WHERE seconds IS NOT NULL",
    UNFILLED.measures,
)
_INVALID = Facts(
    "SELECT e.occurred_at AS moment, coalesce(c.advertiser_id, 0) AS advertiser_id, e.campaign AS campaign_id, e.flight AS flight_id,"
    " e.ad AS ad_id, e.type, e.reason, e.synthetic, 1 AS events"
    " FROM {ads_adevent} e LEFT JOIN ads_campaign c ON c.id = e.campaign"
    " WHERE e.day BETWEEN %(first)s AND %(last)s AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s AND NOT e.valid",
    INVALID.measures,
)
# A thousand ads stand in every decision: what is told of them is counted here, before it is joined with anything.
_FUNNEL = Facts(
    "SELECT ended.moment, coalesce(a.flight_id, 0) AS flight_id, ended.ad_id, ended.reason, ended.synthetic, ended.decisions FROM ("
    " SELECT date_trunc('hour', moment, 'UTC') AS moment, ad_id, reason, synthetic, count(*) AS decisions FROM ("
    " SELECT d.decided_at AS moment, ad::bigint AS ad_id, other.reason, d.synthetic FROM {ads_decision} d"
    " CROSS JOIN LATERAL jsonb_each(d.explanation->'others') AS other(reason, ads) CROSS JOIN LATERAL jsonb_array_elements_text(other.ads) ad"
    f" WHERE {_WITHIN} UNION ALL"
    " SELECT d.decided_at, (candidate->>'ad')::bigint, candidate->>'reason', d.synthetic FROM {ads_decision} d"
    f" CROSS JOIN LATERAL jsonb_array_elements(d.explanation->'candidates') candidate WHERE {_WITHIN}"
    " ) each GROUP BY 1, 2, 3, 4) ended LEFT JOIN ads_ad a ON a.id = ended.ad_id",
    FUNNEL.measures,
)

RECOUNTS = (
    Recount(DELIVERY, ("ads_adevent", "ads_decision"), (_EVENTS, _MONEY, _WON)),
    Recount(BREAKS, ("ads_decision",), (_BREAKS,)),
    Recount(UNFILLED, ("ads_decision",), (_UNFILLED,)),
    Recount(INVALID, ("ads_adevent",), (_INVALID,)),
    Recount(FUNNEL, ("ads_decision",), (_FUNNEL,)),
)
