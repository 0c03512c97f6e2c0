"""How an ad's clip is shown: the player, or how far its file is, or why it was refused and what to do."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ads.creatives.reasons import reason_of
from ads.models import Ad, CreativeFile
from catalog.media.packaging import PLAYLIST
from catalog.models import MediaAsset
from catalog.selectors import media_url, still_url

WAITING = (CreativeFile.State.UPLOADED, CreativeFile.State.PROCESSING)


def file_of(asset: MediaAsset | None) -> CreativeFile | None:
    """The file a clip is made from; None for one that was drawn."""
    return getattr(asset, "creative_file", None) if asset is not None else None


def preview(asset: MediaAsset | None) -> SafeString | str:
    """The clip behind its own still, played when asked for; how far it is, or in words why not, when there is none."""
    if asset is None:
        return "-"
    if asset.state == MediaAsset.State.READY:
        return format_html(
            '<video class="ad-preview" poster="{}" data-playlist="{}" preload="none" controls muted playsinline></video>',
            still_url(asset), media_url(f"{asset.path}/{PLAYLIST}"),
        )  # fmt: skip
    file = file_of(asset)
    if file is None:
        return f"{asset.get_state_display()} {asset.problem}".strip()
    return SafeString(render_to_string("ads/admin/clip_progress.html", {"clip": told(file)}))


def told(file: CreativeFile) -> dict[str, Any]:
    """How a file is doing, for the page and for the script that keeps it up to date."""
    waiting = file.state in WAITING
    reason = reason_of(file.reason) if file.reason else None
    return {
        "id": file.pk,
        "name": file.name,
        "state": file.state,
        "done": not waiting,
        "progress": round(100 * file.progress),
        "stage": file.stage or ("Waits for its turn" if waiting else file.get_state_display()),
        "attempt": file.attempts,
        "reason": file.reason,
        "title": reason.title if reason else "",
        "problem": file.problem,
        "remedy": reason.remedy if reason else "",
    }


def reviewed(ad: Ad) -> str:
    """Who decided, when and with which words."""
    if ad.reviewed_at is None:
        return ""
    who = ad.reviewed_by.get_username() if ad.reviewed_by else "the check"
    return f"{ad.get_review_display()} by {who}, {ad.reviewed_at:%d %b %Y %H:%M} UTC" + (f": {ad.review_note}" if ad.review_note else "")
