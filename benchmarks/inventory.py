"""Rows to measure on: live flights with ads, titles with scenes, open playback sessions. Made in bulk, through the models."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from adplatform.eventlog import ids
from ads.models import Ad, Advertiser, Campaign, Flight
from catalog.models import Genre, MediaAsset, Mood, Scene, Title
from engagement.models import PlaybackSession

CATEGORIES = ("automotive", "food_drink", "telecom", "retail", "finance", "travel", "gaming", "entertainment")
GENRES = ("drama", "thriller", "comedy", "documentary")
DEVICES = ("tv", "desktop", "mobile", "tablet")
PRICES = (("cpm", 20_000_000), ("cpm", 15_000_000), ("cpm", 25_000_000), ("cpcv", 30_000), ("cpc", 400_000))
AD_SECONDS = 10.0
SCENES = 8


def live_flights(count: int, *, now: datetime, budget_micros: int = 10**13, per_campaign: int = 10) -> list[Ad]:
    """``count`` live flights of one approved ad each, ``per_campaign`` to an advertiser and its campaign, a third of them targeted."""
    advertisers = Advertiser.objects.bulk_create(
        Advertiser(name=f"Advertiser {n}", category=CATEGORIES[n % len(CATEGORIES)]) for n in range(-(-count // per_campaign))
    )
    campaigns = Campaign.objects.bulk_create(Campaign(advertiser=owner, name=f"Campaign {owner.name}") for owner in advertisers)
    flights = Flight.objects.bulk_create(
        Flight(
            campaign=campaigns[n // per_campaign], name=f"Flight {n}", state=Flight.State.LIVE, starts_at=now - timedelta(days=10),
            ends_at=now + timedelta(days=10), pricing=PRICES[n % 5][0], bid_micros=PRICES[n % 5][1],
            goal_type="impressions", goal_amount=10**12, budget_micros=budget_micros, pacing=("asap", "even")[n % 2], priority=3 + n % 5,
            targeting={"include": ({}, {}, {"genres": [GENRES[n % 4]]}, {"devices": ["tv", "mobile"]}, {}, {"dayparts": list(range(6, 24))})[n % 6]},
            frequency_caps=[{"scope": "flight", "count": 20, "per": "day", "times": 1}] if n % 4 == 0 else [],
        )
        for n in range(count)
    )  # fmt: skip
    assets = MediaAsset.objects.bulk_create(
        MediaAsset(kind="ad", key=f"bench-ad-{n}", path=f"bench-ad-{n}", duration=AD_SECONDS, state="ready") for n in range(count)
    )
    return Ad.objects.bulk_create(
        Ad(
            flight=flights[n], name=f"Ad {n}", asset=assets[n], category=CATEGORIES[n // per_campaign % len(CATEGORIES)],
            click_through=f"https://brand-{n}.example/", universal_ad_id=f"bench/{n}", review=Ad.Review.APPROVED,
        )
        for n in range(count)
    )  # fmt: skip


def titles(count: int) -> list[list[Scene]]:
    """The scenes of ``count`` titles, each title's in playing order."""
    genres = Genre.objects.bulk_create(Genre(name=name.title(), slug=name) for name in GENRES)
    made = []
    for n in range(count):
        title = Title.objects.create(name=f"Title {n}", slug=f"title-{n}")
        title.genres.add(genres[n % len(genres)])
        assets = MediaAsset.objects.bulk_create(
            MediaAsset(kind="scene", key=f"bench-{n}-{place}", path=f"bench-{n}-{place}", duration=10.0, state="ready") for place in range(SCENES)
        )
        made.append(
            Scene.objects.bulk_create(
                Scene(title=title, position=place + 1, name=f"Scene {place + 1}", mood=Mood.DAY, intensity=0.5, asset=assets[place])
                for place in range(SCENES)
            )
        )
    return made


def sessions(films: Sequence[Sequence[Scene]], count: int, *, now: datetime) -> list[tuple[uuid.UUID, Sequence[Scene]]]:
    """``count`` open playback sessions and the scenes of what each one watches."""
    watched = [(ids.new_id(now), films[n % len(films)]) for n in range(count)]
    PlaybackSession.objects.bulk_create(
        PlaybackSession(id=session, title=scenes[0].title, device=DEVICES[n % 4], hour=20, started_at=now, last_seen_at=now)
        for n, (session, scenes) in enumerate(watched)
    )
    return watched


def champion(estimator: str | None, requests: Sequence[Any]) -> None:
    """Make a click model of this estimator champion, fitted on the candidates of ``requests`` with clicks by chance; None: no model."""
    import numpy as np

    from adplatform.eventlog import stream
    from adplatform.learning import estimators, registry
    from adplatform.models import ModelVersion
    from ads import live_inventory
    from ads.ctr import features
    from ads.decision.decide import candidates
    from ads.decision.state import DeliveryState

    ModelVersion.objects.filter(kind="ctr").update(alias="")
    registry.forget_loaded()
    if estimator is None:
        return
    inventory = live_inventory.current(stream.client())
    asked = candidates(inventory, DeliveryState.empty(len(inventory.flights)), np.arange(len(inventory.ads))[:500])
    rows = np.vstack([features.build(request, asked) for request in requests])
    dice = np.random.default_rng(3)
    labels = (dice.random(len(rows)) < 0.02 * (1 + rows[:, features.SCHEMA.index["device"]])).astype(np.float64)
    fitted = estimators.fit(estimator, estimators.CLASSIFICATION, rows, labels, features.SCHEMA, {})
    path, digest = registry.store_artifact(fitted.artifact, fitted.suffix)
    version = registry.register(
        kind="ctr", estimator=estimator, artifact=path, artifact_sha256=digest, parameters={"schema_fingerprint": features.SCHEMA.fingerprint()}
    )
    registry.promote(version)
    registry.forget_loaded()
