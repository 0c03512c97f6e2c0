"""Every check of a row before it is stored, called by the models' ``clean``: so admin and API refuse the same, in the same words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, ValidationError

from ads import terms, vocabulary
from ads.ctr.features import CATEGORIES
from catalog.models import MediaAsset

from . import reach, rules
from .world import terms_of, world_around

if TYPE_CHECKING:
    from ads.models import Ad, AdPolicy, Campaign, Flight


def refuse(problems: Iterable[rules.Problem]) -> None:
    """Raises ValidationError with every sentence, by field."""
    found: dict[str, list[str]] = {}
    for field, words in problems:
        if words not in found.setdefault(field, []):
            found[field].append(words)
    if found:
        raise ValidationError({field: [ValidationError(words) for words in sentences] for field, sentences in found.items()})


def flight_problems(flight: Flight) -> list[rules.Problem]:
    """What is wrong in itself comes alone: terms that cannot be read cannot be held against each other."""
    shape = [
        *(("targeting", words) for words in terms.targeting_problems(flight.targeting, vocabulary.current())),
        *(("frequency_caps", words) for words in terms.cap_problems(flight.frequency_caps)),
        *(("excluded_categories", words) for words in terms.category_problems(flight.excluded_categories)),
    ]
    try:
        campaign = flight.campaign
    except ObjectDoesNotExist:
        # No campaign was chosen; the field itself says so.
        return shape
    if words := next(terms.unreadable(campaign.targeting, campaign.frequency_caps), None):
        return [*shape, ("campaign", f"What the campaign {campaign.name} asks cannot be read; mend the campaign first: {words}")]
    if shape:
        sold = terms_of(flight)
        return [*shape, *(problem for problem in rules.refusals(_without_targets(sold), world_around(flight)) if problem[0] not in dict(shape))]
    sold = terms_of(flight)
    return [*rules.refusals(sold, world_around(flight)), *_changes(flight, sold), *_dates(flight, sold)]


def unreadable(flight: Flight) -> str:
    """Why the stored terms of the flight or its campaign cannot be read, empty when they can be."""
    campaign = flight.campaign
    choices = {name: getattr(flight, name) for name in ("tier", "pricing", "slot_position", "excluded_categories")}
    problems = (terms.unreadable(row.targeting, row.frequency_caps) for row in (campaign, flight))
    return "; ".join([*(words for found in problems for words in found), *terms.unknown_choices(**choices)])


def flight_warnings(flight: Flight) -> list[str]:
    """What lets the flight be sold but hardly deliver, from its terms alone; `ads.outlook` adds what the forecast says."""
    return list(rules.warnings(terms_of(flight), world_around(flight)))


def campaign_problems(campaign: Campaign) -> Iterator[rules.Problem]:
    shape = [
        *(("targeting", words) for words in terms.targeting_problems(campaign.targeting, vocabulary.current())),
        *(("frequency_caps", words) for words in terms.cap_problems(campaign.frequency_caps)),
    ]
    yield from shape
    yield from (("currency", words) for words in terms.currency_problems(campaign.currency, settings.CURRENCY))
    yield from _stays(campaign)
    if shape:
        return
    yield from (("targeting", words) for words in reach.contradictions([campaign.targeting]))
    if campaign.pk:
        for flight in campaign.flights.exclude(state="ended"):
            if next(terms.unreadable(flight.targeting, flight.frequency_caps), None):
                # It does not serve until it is mended, and is held against its campaign then.
                continue
            for words in reach.contradictions([campaign.targeting, flight.targeting]):
                yield "targeting", f"With its flight {flight.name}: {words}"


def _stays(campaign: Campaign) -> Iterator[rules.Problem]:
    from ads.models import Campaign

    before = Campaign.objects.filter(pk=campaign.pk).exclude(advertiser=campaign.advertiser_id).first() if campaign.pk else None
    if before is not None and (before.flights.exclude(state="draft").exists() or before.ledger.exists()):
        yield "advertiser", "This campaign has served; it stays with its advertiser, who is charged for it. Make a new campaign for the other one."


def ad_problems(ad: Ad) -> Iterator[rules.Problem]:
    from ads.models import Ad

    before = Ad.objects.filter(pk=ad.pk).exclude(flight=ad.flight_id).first() if ad.pk else None
    if before is not None and (before.review == Ad.Review.APPROVED or before.ledger.exists()):
        yield "flight", "This ad has served; it stays in its flight, where its charges are. Make a new ad in the other one."
    if ad.category not in CATEGORIES:
        yield "category", f"There is no category “{ad.category}”; there are {', '.join(CATEGORIES)}."
    if ad.asset_id and not MediaAsset.objects.filter(pk=ad.asset_id, kind=MediaAsset.Kind.AD).exists():
        yield "asset", "This clip is a scene of a film; choose the clip of an ad."
    if ad.universal_ad_id and (other := _same_id(ad)):
        yield (
            "universal_ad_id",
            f"“{ad.universal_ad_id}” is the id of the ad {other.name} in {other.flight}; every ad has its own, or leave it empty.",
        )
    if words := rules.headline_problem(ad.headline):
        yield "headline", words
    if ad.skip_after and ad.asset_id and 0 < ad.asset.duration <= ad.skip_after:
        yield "skip_after", f"The clip is {ad.asset.duration:.0f} s long; skipping must be allowed before its end, or never."


def _same_id(ad: Ad) -> Ad | None:
    from ads.models import Ad

    return Ad.objects.filter(universal_ad_id=ad.universal_ad_id).exclude(pk=ad.pk).select_related("flight__campaign").first()


def policy_problems(policy: AdPolicy) -> Iterator[rules.Problem]:
    if policy.long_watch_seconds and not policy.ad_free_seconds:
        yield "ad_free_seconds", "Say how long the stretch without ads is, or leave the long watch empty."
    if policy.ad_free_seconds and not policy.long_watch_seconds:
        yield "long_watch_seconds", "Say after how long a watch the stretch without ads comes, or set it to 0 seconds."
    if 0 < policy.seconds_per_hour < policy.break_seconds:
        yield "seconds_per_hour", f"An hour allows {policy.seconds_per_hour} s of ads and one break has {policy.break_seconds} s: it never fits."
    if policy.seconds_per_hour > 3600:
        yield "seconds_per_hour", "An hour has 3,600 seconds."


def _changes(flight: Flight, sold: rules.FlightTerms) -> Iterator[rules.Problem]:
    from ads.models import Flight

    before = Flight.objects.filter(pk=flight.pk).select_related("campaign").first() if flight.pk else None
    if before is not None:
        served = before.state != Flight.State.DRAFT or before.ledger.exists()
        if served and before.campaign_id != flight.campaign_id:
            yield "campaign", "This flight has served; it stays in its campaign, where its charges are. Make a new flight in the other one."
        yield from rules.change_problems(terms_of(before), sold, served=served)


def _dates(flight: Flight, sold: rules.FlightTerms) -> Iterator[rules.Problem]:
    """Of a new flight, and of dates that change: one that has ended can still be mended."""
    from ads.models import Flight

    before = Flight.objects.filter(pk=flight.pk).first() if flight.pk else None
    changed = {name for name in ("starts_at", "ends_at") if before is None or getattr(before, name) != getattr(flight, name)}
    yield from (problem for problem in rules.date_problems(sold, datetime.now(UTC), new=before is None) if problem[0] in changed)


def _without_targets(sold: rules.FlightTerms) -> rules.FlightTerms:
    return replace(sold, targets=(), caps=())
