"""What whoever sells a break asks of each ad in it, beside the ad policy: blocked categories and advertisers, lengths, and floors by length.

An exchange asks for these with each request (OpenRTB 2.6, sections 3.2.1 and 3.2.7). Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import numpy as np

from .inventory import Inventory
from .request import Limits
from .state import Floats, Mask

# Packaged clips are a few frames off their nominal length.
SAME_SECONDS = 0.25


def failures(inventory: Inventory, limits: Limits) -> Iterator[tuple[str, Mask]]:
    """For each limit its reason code and the ads [ads] that fail it."""
    if limits.categories_blocked or limits.categories_allowed is not None:
        yield "category_blocked", _categories(inventory, limits)
    if limits.domains_blocked or limits.advertisers_blocked or limits.advertisers_allowed is not None:
        yield "advertiser_blocked", _advertisers(inventory, limits)
    if limits.exact or limits.shortest or limits.longest is not None:
        yield "length_not_asked_for", ~_lengths(inventory, limits)
    if limits.beside:
        yield "pod_conflict", _clashing(inventory, limits.beside)


def floors(inventory: Inventory, limits: Limits | None, reserve: int) -> Floats | int:
    """The least micros of one impression: the reserve, or for each ad [ads] the highest floor that its length meets."""
    if limits is None or not (limits.floors or limits.floor_per_second):
        return reserve
    least = np.maximum(float(reserve), np.ceil(inventory.ad_duration * limits.floor_per_second))
    for begins, ends, micros in limits.floors:
        within = (inventory.ad_duration >= begins - SAME_SECONDS) & (inventory.ad_duration <= ends + SAME_SECONDS)
        least = np.where(within, np.maximum(least, micros), least)
    return least


def domain_of(click_through: str) -> str:
    """The host of an ad's landing page, without www; empty where it has none."""
    try:
        return (urlsplit(click_through).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _categories(inventory: Inventory, limits: Limits) -> Mask:
    known = inventory.categories
    wrong = [name in limits.categories_blocked or (limits.categories_allowed is not None and name not in limits.categories_allowed) for name in known]
    found: Mask = np.array(wrong, dtype=bool)[inventory.ad_category]
    return found


def _advertisers(inventory: Inventory, limits: Limits) -> Mask:
    found: Mask = np.isin(inventory.ad_advertiser, limits.advertisers_blocked)
    if limits.advertisers_allowed is not None:
        found |= ~np.isin(inventory.ad_advertiser, limits.advertisers_allowed)
    if limits.domains_blocked:
        blocked = {domain.lower().strip(".").removeprefix("www.") for domain in limits.domains_blocked}
        found |= np.array([_within(domain_of(ad.click_through), blocked) for ad in inventory.ads], dtype=bool)
    return found


def _within(domain: str, blocked: set[str]) -> bool:
    parts = domain.split(".")
    return any(".".join(parts[start:]) in blocked for start in range(len(parts)))


def _lengths(inventory: Inventory, limits: Limits) -> Mask:
    seconds = inventory.ad_duration
    if limits.exact:
        wanted: Mask = (np.abs(seconds[:, None] - np.array(limits.exact)) <= SAME_SECONDS).any(axis=1)
        return wanted
    within: Mask = seconds >= limits.shortest - SAME_SECONDS
    if limits.longest is not None:
        within &= seconds <= limits.longest + SAME_SECONDS
    return within


def _clashing(inventory: Inventory, beside: tuple[int, ...]) -> Mask:
    """As `ads.decision.pod.conflicts`: one advertiser, one category, or a category that either flight keeps away; and the ad itself."""
    rows = np.array([inventory.ad_row[ad] for ad in beside if ad in inventory.ad_row], dtype=np.int64)
    flights, chosen = inventory.ad_flight, inventory.ad_category[rows]
    kept_away = np.asarray(inventory.excludes[flights[rows]].any(axis=0))
    clashes = [
        np.isin(inventory.ad_category, chosen),
        np.isin(inventory.ad_advertiser, inventory.ad_advertiser[rows]),
        inventory.excludes[flights][:, chosen].any(axis=1),
        kept_away[inventory.ad_category],
    ]
    return np.asarray(np.array(clashes).any(axis=0))
