"""Advertiser > campaign > flight > ad, and what was decided, counted and charged."""

from .creative import AdIcon, AdVerification, Companion, CreativeFile
from .delivery import AdEvent, Decision, FlightBalance, FlightForecast, InventorySnapshot, LedgerEntry
from .desk import IdempotentRequest, SavedFilter
from .figures import (
    BreakDay,
    BreakHour,
    BreakMinute,
    BreakRollup,
    BreakValue,
    DeliveryDay,
    DeliveryHour,
    DeliveryMinute,
    DeliveryRollup,
    FunnelDay,
    FunnelHour,
    InvalidDay,
    InvalidHour,
    UnfilledDay,
    UnfilledHour,
)
from .permanent import BillingRowsStay, Permanent, PermanentManager, PermanentQuerySet
from .reach import ReachDay, ReachDue
from .selling import Ad, AdPolicy, Advertiser, AdvertiserMember, Campaign, Flight, installation_currency

__all__ = [
    "Ad",
    "AdEvent",
    "AdIcon",
    "AdPolicy",
    "AdVerification",
    "Advertiser",
    "AdvertiserMember",
    "BillingRowsStay",
    "BreakDay",
    "BreakHour",
    "BreakMinute",
    "BreakRollup",
    "BreakValue",
    "Campaign",
    "Companion",
    "CreativeFile",
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
    "IdempotentRequest",
    "InvalidDay",
    "InvalidHour",
    "InventorySnapshot",
    "LedgerEntry",
    "Permanent",
    "PermanentManager",
    "PermanentQuerySet",
    "ReachDay",
    "ReachDue",
    "SavedFilter",
    "UnfilledDay",
    "UnfilledHour",
    "installation_currency",
]
