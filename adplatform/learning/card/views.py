"""The model card in the admin."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from adplatform.addresses import row_or_404
from adplatform.models import ModelVersion

from .explain import CannotExplain, Explained, asks_for, explain
from .figures import card_of


def model_card(request: HttpRequest, object_id: str, *, site: AdminSite) -> HttpResponse:
    """Everything known of one version; ``?row=`` takes one logged prediction apart."""
    if not request.user.has_perm("adplatform.view_modelversion"):
        raise PermissionDenied
    version = row_or_404(ModelVersion.objects.select_related("parent"), object_id)
    key = request.GET.get("row", "").strip()
    explained, trouble = _explained(version, key)
    context = {
        **site.each_context(request),
        "title": f"Model card: {version}",
        "opts": ModelVersion._meta,
        "version": version,
        "card": card_of(version),
        "asks_for": asks_for(version.kind) if version.artifact else None,
        "key": key,
        "explained": explained,
        "trouble": trouble,
    }
    return render(request, "adplatform/card/page.html", context)


def _explained(version: ModelVersion, key: str) -> tuple[Explained | None, str]:
    if not key:
        return None, ""
    try:
        return explain(version, key), ""
    except CannotExplain as error:
        return None, str(error)
