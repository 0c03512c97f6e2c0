"""Advertiser > campaign > flight > ad, and what was decided, counted and charged."""

from .delivery import AdEvent, Decision, FlightBalance, FlightForecast, InventorySnapshot, LedgerEntry
from .figures import (
    BreakDay,
    BreakHour,
    BreakMinute,
    BreakRollup,
    DeliveryDay,
    DeliveryHour,
    DeliveryMinute,
    DeliveryRollup,
    FunnelDay,
    FunnelHour,
    UnfilledDay,
    UnfilledHour,
)
from .permanent import BillingRowsStay, Permanent, PermanentManager, PermanentQuerySet
from .selling import Ad, AdPolicy, Advertiser, AdvertiserMember, Campaign, Flight, installation_currency

__all__ = [
    "Ad",
    "AdEvent",
    "AdPolicy",
    "Advertiser",
    "AdvertiserMember",
    "BillingRowsStay",
    "BreakDay",
    "BreakHour",
    "BreakMinute",
    "BreakRollup",
    "Campaign",
    "Decision",
    "DeliveryDay",
    "DeliveryHour",
    "DeliveryMinute",
    "DeliveryRollup",
    "Flight",
    "FlightBalance",
    "FlightForecast",
    "FunnelDay",
    "FunnelHour",
    "InventorySnapshot",
    "LedgerEntry",
    "Permanent",
    "PermanentManager",
    "PermanentQuerySet",
    "UnfilledDay",
    "UnfilledHour",
    "installation_currency",
]
