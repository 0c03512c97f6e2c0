"""What the rules are held against, read from the tables: titles and their reserve prices, sponsorships already sold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.conf import settings

from ads import terms
from catalog.models import Title

from . import rules
from .reach import TitleFacts

if TYPE_CHECKING:
    from ads.models import AdPolicy, Campaign, Flight


def terms_of(flight: Flight, campaign: Campaign | None = None) -> rules.FlightTerms:
    """The flight as the rules read it; ``campaign`` stands in for its own where that one is being changed."""
    campaign = campaign or flight.campaign
    return rules.FlightTerms(
        name=flight.name,
        tier=flight.tier,
        share_of_voice=flight.share_of_voice,
        starts_at=flight.starts_at,
        ends_at=flight.ends_at,
        pricing=flight.pricing,
        bid_micros=flight.bid_micros,
        goal_type=flight.goal_type,
        goal_amount=flight.goal_amount,
        daily_goal_amount=flight.daily_goal_amount,
        budget_micros=flight.budget_micros,
        daily_budget_micros=flight.daily_budget_micros,
        targets=(campaign.targeting, flight.targeting),
        caps=tuple(cap for caps in (campaign.frequency_caps, flight.frequency_caps) if isinstance(caps, list) for cap in caps),
        currency=campaign.currency,
        **_delivered(flight),
    )


def _delivered(flight: Flight) -> dict[str, int]:
    """What the flight has delivered of its goal, in the goal's unit, and what it has charged."""
    from ads.models import FlightBalance

    column = {"impressions": "impressions", "completed_views": "completed_views", "clicks": "clicks", "spend": "booked_micros"}[flight.goal_type]
    found = FlightBalance.objects.filter(flight_id=flight.pk).first() if flight.pk else None
    if found is None:
        return {}
    today = found.day_delivered if found.day == datetime.now(UTC).date() else 0
    return {"delivered": getattr(found, column), "delivered_today": today, "booked_micros": found.booked_micros}


def world_around(flight: Flight) -> rules.World:
    """Published titles with their ad policies, and the sponsorships that share a day with ``flight``."""
    from ads.models import AdPolicy

    policies = {policy.title_id: policy for policy in AdPolicy.objects.all()}
    default = policies.get(None) or AdPolicy()
    titles = Title.objects.filter(published=True).prefetch_related("genres", "scenes")
    return rules.World(
        currency=settings.CURRENCY,
        titles=tuple(_facts(title, policies.get(title.pk, default)) for title in titles),
        default_reserve_micros=default.reserve_micros,
        sponsors=_sponsors(flight) if flight.tier == rules.SPONSORSHIP else (),
    )


def _facts(title: Title, policy: AdPolicy) -> TitleFacts:
    positions = {"pre": policy.pre_roll, "mid": policy.mid_rolls, "post": policy.post_roll}
    return TitleFacts(
        id=title.pk,
        name=title.name,
        genres=frozenset(genre.slug for genre in title.genres.all()),
        maturity=title.maturity,
        scenes=tuple((scene.mood, frozenset(scene.tags)) for scene in title.scenes.all()),
        positions=frozenset(position for position, allowed in positions.items() if allowed),
        reserve_micros=policy.reserve_micros,
    )


def _sponsors(flight: Flight) -> tuple[rules.Sponsor, ...]:
    """Those that are sold and not over; drafts bind nobody."""
    from ads.models import Campaign, Flight

    if flight.starts_at is None or flight.ends_at is None:
        return ()
    sold = (
        Flight.objects.filter(tier=Flight.Tier.SPONSORSHIP, state__in=[Flight.State.LIVE, Flight.State.PAUSED], share_of_voice__isnull=False)
        .filter(starts_at__lt=flight.ends_at, ends_at__gt=flight.starts_at)
        .exclude(campaign__state=Campaign.State.ENDED)
        .exclude(pk=flight.pk)
        .select_related("campaign")
    )
    return tuple(
        rules.Sponsor(str(other), other.share_of_voice or 0.0, other.starts_at, other.ends_at, (other.campaign.targeting, other.targeting))
        for other in sold
        if not any(next(terms.unreadable(row.targeting, row.frequency_caps), None) for row in (other, other.campaign))
    )
