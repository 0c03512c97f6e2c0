"""Any change to what may serve raises the inventory's version, wherever it was made: service, admin, shell or packaging."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save

from catalog.models import MediaAsset
from catalog.signals import asset_state_changed

from . import policy, services
from .live_inventory import raise_version
from .models import Ad, AdPolicy, Advertiser, Campaign, Flight, FlightBalance


def connect() -> None:
    for model in (Advertiser, Campaign, Flight, Ad):
        post_save.connect(_changed, sender=model, dispatch_uid=f"inventory-{model.__name__}-saved")
        post_delete.connect(_changed, sender=model, dispatch_uid=f"inventory-{model.__name__}-deleted")
    post_save.connect(_policy_changed, sender=AdPolicy, dispatch_uid="ad-policy-saved")
    post_delete.connect(_policy_changed, sender=AdPolicy, dispatch_uid="ad-policy-deleted")
    post_save.connect(_asset_changed, sender=MediaAsset, dispatch_uid="inventory-asset-saved")
    asset_state_changed.connect(_packaging_changed, dispatch_uid="inventory-asset-packaged")
    post_save.connect(_open_balance, sender=Flight, dispatch_uid="flight-balance-opened")


def _changed(sender: type, **_: Any) -> None:
    raise_version()


def _policy_changed(sender: type, **_: Any) -> None:
    policy.forget()


def _asset_changed(sender: type, instance: MediaAsset, **_: Any) -> None:
    if instance.kind == MediaAsset.Kind.AD:
        raise_version()


def _packaging_changed(sender: type, asset: MediaAsset, **_: Any) -> None:
    _asset_changed(sender, asset)
    if asset.kind == MediaAsset.Kind.AD:
        services.clip_is_there(asset=asset)


def _open_balance(sender: type, instance: Flight, **kwargs: Any) -> None:
    if kwargs["created"] and not kwargs["raw"]:
        FlightBalance.objects.get_or_create(flight=instance)
