"""What an ad break is asked for with: the title, the scene before it, the policy, and of the viewer only what consent allows. Pure but for
the rows it is handed."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime

from ads.decision.load import Allowance, Policy
from ads.decision.request import AdRequest
from engagement.models import PlaybackSession, Viewer

from .live import Around
from .plan import Break, Plan


def ad_request(session: PlaybackSession, plan: Plan, due: Break, *, policy: Policy, allowed: Allowance, around: Around, now: datetime) -> AdRequest:
    """The viewer's attributes are used only with consent, given at the session's start and not withdrawn since."""
    viewer = session.viewer if session.consent and session.viewer and session.viewer.ads_consent else None
    before = plan.scene(plan.played[-1]) if plan.played else plan.film[0]
    local = local_time(viewer, around, now)
    ip_hash, ua_hash = around.hashes(now)
    return AdRequest(
        session=session.pk,
        break_id=due.id,
        break_position=plan.position_of(due),
        break_index=[one.after for one in plan.breaks].index(due.after),
        duration=allowed.seconds,
        max_ads=allowed.ads,
        device=session.device,
        hour=local.hour if around.hour is None else around.hour,
        weekday=local.weekday(),
        title=session.title_id,
        genres=tuple(session.title.genres.values_list("slug", flat=True)),
        maturity=session.title.maturity,
        mood=before.mood,
        intensity=before.intensity,
        tags=before.tags,
        viewer=session.viewer_id,
        consent=viewer is not None,
        tier=viewer.tier if viewer else None,
        age_band=(viewer.age_band or None) if viewer else None,
        gender=(viewer.gender or None) if viewer else None,
        monthly_hours=viewer.monthly_hours if viewer else None,
        favourite_genres=tuple(viewer.favourite_genres.values_list("slug", flat=True)) if viewer else None,
        segments=tuple(viewer.segments) if viewer and viewer.segments is not None else None,
        country=(viewer.country if viewer else "") or around.country or None,
        progress=len(plan.played) / plan.places,
        ads_seen=plan.ads_seen,
        creative_gap=policy.creative_gap_seconds,
        reserve_micros=policy.reserve_micros,
        house_ads=policy.house_ads,
        ip_hash=ip_hash,
        ua_hash=ua_hash,
        arms=session.arms,
        synthetic=session.synthetic,
    )


def local_time(viewer: Viewer | None, around: Around, now: datetime) -> datetime:
    """The time where the viewer is: by the profile's zone (with consent), else the browser's, else UTC."""
    return now.astimezone(zone_of(viewer.timezone if viewer else "") or zone_of(around.zone) or UTC)


def zone_of(name: str) -> zoneinfo.ZoneInfo | None:
    """The zone of an IANA name, None for one that this installation does not know."""
    if not name or len(name) > 64:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
