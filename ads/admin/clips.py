"""How an ad's clip is shown: the player, or how far its file is, or why it was refused and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ads.creatives.checks import warnings
from ads.creatives.reasons import reason_of
from ads.creatives.services import others_like
from ads.models import Ad, CreativeFile
from catalog.media.packaging import PLAYLIST
from catalog.media.recipe import FRAMES_PER_SECOND
from catalog.models import MediaAsset
from catalog.selectors import media_url, still_url

MOST_STEPS = 25
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


def news(file: CreativeFile) -> dict[str, Any]:
    """`told`, and what then takes the bar's place."""
    ready = file.state == CreativeFile.State.READY
    words = {CreativeFile.State.READY: Ad.Review.IN_REVIEW.label, CreativeFile.State.REFUSED: Ad.Review.REJECTED.label}
    return told(file) | {"preview": preview(file.asset) if ready else "", "review": words.get(CreativeFile.State(file.state), "")}


def standing(ad: Ad) -> SafeString:
    """Its state, who decided and why, and room for the note of a decision."""
    decides = ad.asset.state == MediaAsset.State.READY and getattr(ad, "may_decide", False)
    context = {"ad": ad, "state": ad.get_review_display(), "said": reviewed(ad), "decides": decides, "queue": reverse("admin:ads_ad_review")}
    return SafeString(render_to_string("ads/admin/standing.html", context))


def reviewed(ad: Ad) -> str:
    """Who decided, when and with which words."""
    if ad.reviewed_at is None:
        return ""
    who = ad.reviewed_by.get_username() if ad.reviewed_by else "the check of its file"
    return f"{ad.get_review_display()} by {who}, {ad.reviewed_at:%d %b %Y %H:%M} UTC" + (f": {ad.review_note}" if ad.review_note else "")


def facts_table(ad: Ad) -> SafeString:
    """What was sent, what plays, and what a reviewer should mind."""
    file = file_of(ad.asset)
    if file is None:
        return format_html("This clip was drawn by the catalogue ({}); no file was uploaded.", ad.asset.key)
    reason = reason_of(file.reason) if file.reason else None
    return SafeString(render_to_string("ads/admin/clip_facts.html", {"file": file, "rows": list(_rows(file)), "reason": reason, **_minded(file, ad)}))


def _minded(file: CreativeFile, ad: Ad) -> dict[str, list[str]]:
    target = float(file.asset.look.get("loudness", settings.CREATIVE_LOUDNESS_LUFS))
    ready = file.state == CreativeFile.State.READY
    return {
        "warnings": list(warnings(file.facts, target_lufs=target)) if ready else [],
        "others": list(others_like(file.sha256, actor=_viewer(ad), but=file.pk)),
    }


def _viewer(ad: Ad) -> Any:
    """Who looks, as the page has put it on the row; without one nobody, who sees nothing of others."""
    return getattr(ad, "viewer", AnonymousUser())


def _rows(file: CreativeFile) -> Iterator[tuple[str, str, str]]:
    """(what, of the file, of the clip that plays)."""
    facts, plays = file.facts, file.state == CreativeFile.State.READY
    target = float(file.asset.look.get("loudness", settings.CREATIVE_LOUDNESS_LUFS))
    yield "File", f"{file.name}, {filesizeformat(file.size)}", f"{file.asset.key}, {len(file.asset.segments)} segments" if plays else ""
    yield "Sent", f"{file.uploaded_at:%d %b %Y %H:%M} UTC by {file.uploaded_by.get_username() if file.uploaded_by else 'nobody known'}", ""
    yield "SHA-256", file.sha256[:16] + "…", ""
    if not facts:
        return
    yield "Length", _unit(facts.get("duration"), "s", 2), _unit(file.asset.duration, "s", 2) if plays else ""
    size = f"{facts.get('width')}x{facts.get('height')}" if facts.get("width") else "-"
    turned = f", turned by {facts['rotation']}°" if facts.get("rotation") else ""
    yield "Picture", f"{size}{turned}", f"{file.asset.width}x{file.asset.height}" if plays else ""
    yield "Frames a second", _unit(facts.get("frames_per_second"), "", 3), str(FRAMES_PER_SECOND) if plays else ""
    yield "Container", {"mov": "MP4 or MOV", "matroska": "WebM or Matroska"}.get(str(facts.get("container")), "-"), "fMP4 in HLS" if plays else ""
    pixels = f", {facts['pixel_format']}" if facts.get("pixel_format") else ""
    yield "Picture codec", f"{facts.get('video_codec') or 'none'}{pixels}", "h264, yuv420p" if plays else ""
    channels = f", {facts['audio_channels']} channels" if facts.get("audio_channels") else ""
    yield "Sound codec", f"{facts.get('audio_codec') or 'none'}{channels}", "aac, 2 channels" if plays else ""
    yield "Bit rate", f"{facts['bit_rate'] / 1000:,.0f} kbit/s" if facts.get("bit_rate") else "-", ""
    after = f"{_unit(facts.get('loudness_after_lufs'), 'LUFS', 1)} (asked for: {target:g})" if plays else ""
    yield "Loudness", _unit(facts.get("loudness_lufs"), "LUFS", 1), after
    yield "True peak", _unit(facts.get("true_peak_dbtp"), "dBTP", 1), _unit(facts.get("true_peak_after_dbtp"), "dBTP", 1) if plays else ""


def _unit(value: Any, unit: str, digits: int) -> str:
    return f"{round(value, digits):g} {unit}".strip() if isinstance(value, int | float) else "-"


def trail(ad: Ad) -> SafeString:
    """Every change of its review and of its clip, the last first."""
    versions = list(ad.history.select_related("history_user").order_by("-history_date", "-history_id")[:MOST_STEPS])
    steps = [
        {
            "at": row.history_date,
            "who": row.history_user.get_username() if row.history_user else "the system",
            "what": row.history_change_reason or "Changed",
            "state": row.get_review_display(),
            "note": row.review_note,
        }
        for row in versions
    ]
    return SafeString(render_to_string("ads/admin/trail.html", {"steps": steps}))


def tell_of_upload(admin: Any, request: HttpRequest, ad: Ad) -> None:
    """After an upload: what happens now, and where the same file is used already."""
    file = file_of(ad.asset)
    if file is None:
        return
    words = f"{file.name} is kept and being processed; this page shows how far it is. The ad then waits for review."
    admin.message_user(request, words, messages.SUCCESS)
    if others := list(others_like(file.sha256, actor=request.user, but=file.pk)):
        admin.message_user(request, f"The same file is used already by {'; '.join(others)}.", messages.WARNING)
