"""Where a figure or a piece of news can be looked up."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse


def evidence(model: str, pk: object | None = None, query: str = "") -> str | None:
    """The admin page of one row, or of the list; None where the room has no admin page for it."""
    try:
        if pk is None:
            return reverse(f"admin:{model}_changelist") + query
        return reverse(f"admin:{model}_change", args=[pk])
    except NoReverseMatch:
        return None


def title_page(slug: str) -> str:
    """What is watched of a title and left, open to everybody who may see live figures of all the business."""
    return f"/live/titles/{slug}/"
