"""Small pictures of lists: how far something is beside how far it should be by now, the last days, and a state as a coloured word."""

from __future__ import annotations

from datetime import timedelta

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ads.standing import AHEAD, BEHIND, Days, Standing

WIDTH, HEIGHT = 84, 22


def state(standing: int, *, why: str = "") -> SafeString:
    """The standing as a coloured word; ``why`` in its tooltip."""
    one = Standing(standing)
    return format_html('<span class="standing standing-{}" title="{}">{}</span>', one.name.lower(), why, one.label)


def pace_words(pace: float | None) -> str:
    """Beside the bar: how far from plan; empty where nothing is due yet."""
    if pace is None:
        return ""
    if pace < BEHIND:
        return f"behind: {pace:.0%} of what is due"
    return f"ahead: {pace:.0%} of what is due" if pace > AHEAD else "on pace"


def delivery(share: float | None, *, due: float | None, words: str, pace: float | None = None, ended: bool = False) -> SafeString:
    """A bar of what is delivered (0-1) with a mark where it should be by now; in words beside it, and for those who cannot see it."""
    if share is None:
        return format_html('<span class="delivery"><small>{}</small></span>', words)
    kind = "" if pace is None or ended else "is-behind" if pace < BEHIND else "is-ahead" if pace > AHEAD else "is-on-pace"
    told = f"{share:.1%} delivered" + ("" if due is None else f", {due:.1%} of its time has passed")
    mark = (
        "" if due is None or ended else format_html('<rect class="delivery-due" x="{}" y="0" width="1.5" height="8"/>', f"{min(98.5, 100 * due):.1f}")
    )
    return format_html(
        '<span class="delivery {}" title="{}"><svg viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="delivery-all" y="1" width="100" height="6" rx="2"/><rect class="delivery-done" y="1" width="{}" height="6" rx="2"/>{}</svg>'
        "<small><b>{}</b> {}</small>{}</span>",
        kind, told, told, f"{100 * min(1.0, share):.1f}", mark, f"{share:.0%}" if share < 9.995 else "999%+", words,
        format_html("<small>{}</small>", pace_words(pace)) if pace is not None and not ended else "",
    )  # fmt: skip


def sparkline(days: Days | None, *, unit: str = "Impressions a day") -> SafeString:
    """What ``unit`` says, as bars; today, which is not over, is lighter."""
    if days is None or not any(days.impressions):
        return format_html('<span class="spark-none">{}</span>', "nothing in 14 days")
    most = max(days.impressions)
    last = days.first + timedelta(days=len(days.impressions) - 1)
    lowest = min(days.impressions[:-1])
    told = (
        f"{unit}, {days.first:%d %b} to {last:%d %b}: {lowest:,} to {most:,}; today so far {days.impressions[-1]:,}"
        f"{'; some from the synthetic audience' if days.synthetic else ''}"
    )
    step = WIDTH / len(days.impressions)
    bars = format_html_join(
        "",
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>',
        (
            ("spark-today" if at == len(days.impressions) - 1 else "spark-day", *(f"{figure:.1f}" for figure in box))
            for at, shown in enumerate(days.impressions)
            if shown and (box := (at * step, HEIGHT - max(1.0, HEIGHT * shown / most), step - 1, max(1.0, HEIGHT * shown / most)))
        ),
    )
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" width="{}" height="{}" role="img"><title>{}</title>{}</svg>', WIDTH, HEIGHT, WIDTH, HEIGHT, told, bars
    )
