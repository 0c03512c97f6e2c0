"""The delivery report as a page: what it shows stands in its address, so that it can be kept, sent and opened again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Q
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse

from adplatform import admin_pages
from ads.ctr.features import DEVICES
from ads.models import Ad, Advertiser, Campaign, Flight
from ads.reports import files
from ads.reports.delivery import Delivery, Figures, Row, delivery
from ads.reports.figures import DIMENSIONS, MEASURES, MOST_DIMENSIONS, USUAL
from ads.reports.invalid import invalid_reasons
from ads.reports.query import AUDIENCES, FILTERS, PERIODS, Query, Unreadable, read_query
from ads.scope import advertiser_of, visible_to
from catalog.models import Genre, Title

from . import show
from .reports_saved import may_save, saved_for

RIGHT = "ads.view_campaign"
PAGE = "report"
OFFERED = 20
# With these in a report, why events do not count is told below it.
INVALID = frozenset({"gross_impressions", "invalid_impressions", "invalid_clicks"})
LINKS = (("Delivery", PAGE), ("Reach and frequency", "report_reach"), ("Statements", "report_statements"))
POINTS, SERIES = 400, 12
FORMATS = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
SEARCHED: dict[str, Any] = {"advertiser": Advertiser, "campaign": Campaign, "flight": Flight, "ad": Ad, "title": Title}
PRESETS: tuple[tuple[str, str], ...] = (
    ("Campaigns", "by=campaign&period=28d&compare=1"),
    ("Flights", "by=campaign,flight&period=28d&show=impressions,vcr,ctr,spend,ecpm"),
    ("Day by day", "by=day&period=28d&compare=1"),
    ("Titles", "by=title&period=28d"),
    ("Devices and hours", "by=device,hour&period=7d&show=impressions,ctr,vcr"),
    ("Gross and net", "by=campaign&period=28d&show=gross_impressions,invalid_impressions,impressions,charged,given_back,spend"),
    ("How ads are watched", "by=ad&period=28d&show=impressions,starts,first_quartiles,midpoints,third_quartiles,completes,skips,viewability"),
)


def page(request: HttpRequest) -> HttpResponseBase:
    """``GET /admin/reports/``; with ``format=csv`` or ``xlsx`` the file."""
    if not request.user.has_perm(RIGHT):
        raise PermissionDenied
    given = request.GET.copy()
    wanted = given.pop("format", [""])[-1]
    now = datetime.now(UTC)
    problems: dict[str, str] = {}
    try:
        query = read_query(given, now=now, advertiser=advertiser_of(request.user))
    except Unreadable as error:
        problems = error.problems
        query = read_query(QueryDict(), now=now, advertiser=advertiser_of(request.user))
    if wanted in FORMATS and not problems:
        return file(request, query, wanted)
    found = delivery(query)
    context = {
        **page_context(request, "Delivery report"),
        **form(query, given),
        "problems": problems,
        "report": found,
        "table": table(found, given),
        "chart": chart(found),
        "saved": saved_for(request.user, PAGE),
        "may_save": may_save(request.user),
        "address": given.urlencode(),
        "invalid": invalid_reasons(query) if INVALID.intersection(query.show) else None,
        "presets": PRESETS,
        "csv": _with(given, format="csv"),
        "xlsx": _with(given, format="xlsx"),
        "as_of": now,
    }
    return TemplateResponse(request, "ads/admin/report.html", context)


def options(request: HttpRequest) -> HttpResponse:
    """``GET /admin/reports/options/?of=campaign&q=spring``: values to limit a report to, of those that this person may see."""
    if not request.user.has_perm(RIGHT):
        raise PermissionDenied
    of, text = request.GET.get("of", ""), request.GET.get("q", "").strip()[:80].replace("\x00", "")
    if of not in SEARCHED:
        return JsonResponse({"detail": f"There is nothing to search called “{of[:40]}”."}, status=400)
    rows = SEARCHED[of].objects.all() if of == "title" else visible_to(request.user, SEARCHED[of].objects.all())
    above = {"flight": "campaign__name", "ad": "flight__name"}.get(of)
    wanted = Q(name__icontains=text) | (Q(**{f"{above}__icontains": text}) if above else Q())
    columns = ("pk", "name", *((above,) if above else ()))
    found = rows.filter(wanted).order_by("name", "pk").values_list(*columns)[:OFFERED]
    return JsonResponse({"options": [{"value": str(row[0]), "name": " / ".join(str(part) for part in row[:0:-1])} for row in found]})


def file(request: HttpRequest, query: Query, kind: str) -> HttpResponseBase:
    name = f"delivery-{'-'.join(query.by) or 'total'}-{query.since:%Y%m%d}-{query.until - timedelta(microseconds=1):%Y%m%d}.{kind}"
    rows = files.delivery_rows(query)
    if kind == "xlsx":
        return FileResponse(files.xlsx(rows, title="Delivery"), as_attachment=True, filename=name, content_type=FORMATS[kind])
    return streamed(request, files.csv_chunks(rows), name)


def streamed(request: HttpRequest, chunks: Iterator[bytes], name: str) -> StreamingHttpResponse:
    """A CSV that is sent while it is made: an event loop would otherwise take in all of it first."""
    content: Any = _asynchronous(chunks) if isinstance(request, ASGIRequest) else chunks
    return StreamingHttpResponse(content, content_type=FORMATS["csv"], headers={"Content-Disposition": f'attachment; filename="{name}"'})


async def _asynchronous(chunks: Iterator[bytes]) -> Any:
    step = sync_to_async(lambda: next(chunks, None))
    while (chunk := await step()) is not None:
        yield chunk


def form(query: Query, given: QueryDict) -> dict[str, Any]:
    """What the form offers, and what is chosen."""
    named = _named(query)
    return {
        "dimensions": [
            [{"value": "", "label": "-"}, *({"value": one.name, "label": one.label, "chosen": one.name == chosen} for one in DIMENSIONS.values())]
            for chosen in (*query.by, *("" for _ in range(MOST_DIMENSIONS - len(query.by))))
        ],
        "measures": [{"value": one.name, "label": one.label, "help": one.help, "chosen": one.name in query.show} for one in MEASURES.values()],
        "periods": [{"value": name, "label": label, "chosen": name == query.period} for name, label in PERIODS.items()],
        "first_day": query.since.date().isoformat(),
        "last_day": (query.until - timedelta(microseconds=1)).date().isoformat(),
        "compare": query.compare,
        "audiences": [{"value": name, "label": label, "chosen": name == query.audience} for name, label in AUDIENCES.items()],
        "searches": [{"of": of, "label": DIMENSIONS[of].label, "chosen": named.get(of, [])} for of in SEARCHED if of in _filters_for(query)],
        "chips": [
            {
                "of": "device",
                "label": "Device",
                "options": _chips(query, "device", {name: "TV" if name == "tv" else name.capitalize() for name in DEVICES}),
            },
            {"of": "genre", "label": "Genre", "options": _chips(query, "genre", dict(Genre.objects.values_list("slug", "name")))},
            {"of": "hour", "label": "Hour of the day (UTC)", "options": _chips(query, "hour", {str(hour): f"{hour:02d}" for hour in range(24)})},
        ],
        "filtered": sum(len(values) for values in query.filters.values()),
        "usual": query.show == USUAL,
    }


def _filters_for(query: Query) -> tuple[str, ...]:
    return FILTERS if query.advertiser is None else tuple(name for name in FILTERS if name != "advertiser")


def _chips(query: Query, of: str, offered: dict[str, str]) -> list[dict[str, Any]]:
    chosen = {str(value) for value in query.filters.get(of, ())}
    return [{"value": value, "label": label, "chosen": value in chosen} for value, label in offered.items()]


def _named(query: Query) -> dict[str, list[dict[str, str]]]:
    """The values that the report is limited to, with their names."""
    return {of: named_values(of, [int(value) for value in query.filters[of]], query.advertiser) for of in SEARCHED if query.filters.get(of)}


def named_values(of: str, values: Sequence[int], advertiser: int | None) -> list[dict[str, str]]:
    """Each with its name, as far as somebody of this advertiser may know it."""
    rows = SEARCHED[of].objects.filter(pk__in=values)
    if of != "title" and advertiser is not None:
        rows = rows.filter(**{_path(of): advertiser})
    known = dict(rows.values_list("pk", "name"))
    return [{"value": str(value), "label": known.get(value, f"{of} {value}")} for value in values]


def _path(of: str) -> str:
    return {"advertiser": "pk", "campaign": "advertiser", "flight": "campaign__advertiser", "ad": "flight__campaign__advertiser"}[of]


def table(found: Delivery, given: QueryDict) -> dict[str, Any]:
    query = found.query
    compared = bool(found.rows and found.rows[0].before is not None)
    return {
        "heads": [*(_head(query, given, name, DIMENSIONS[name].label, "") for name in query.by), *_measure_heads(query, given)],
        "rows": [_shown(query, row, given) for row in found.rows],
        "totals": [_cell(name, found.totals, found.before) for name in query.show],
        "width": len(query.by),
        "compared": compared,
    }


def _measure_heads(query: Query, given: QueryDict) -> Iterator[dict[str, Any]]:
    for name in query.show:
        yield _head(query, given, name, MEASURES[name].label, MEASURES[name].help)


def _head(query: Query, given: QueryDict, name: str, label: str, help_text: str) -> dict[str, Any]:
    sorted_by, descending = query.order
    way = ("descending" if descending else "ascending") if sorted_by == name else ""
    turned = name if way == "descending" else f"-{name}"
    first = name if name in DIMENSIONS else f"-{name}"
    return {
        "name": name,
        "label": label,
        "help": help_text,
        "way": way,
        "link": _with(given, sort=turned if way else first),
        "figure": name in MEASURES,
    }


def _shown(query: Query, row: Row, given: QueryDict) -> dict[str, Any]:
    keys = [
        {"text": called, "label": DIMENSIONS[name].label, "link": _narrowed(query, given, name, key)}
        for name, key, called in zip(query.by, row.keys, row.names, strict=True)
    ]
    return {"keys": keys, "figures": [_cell(name, row.figures, row.before) for name in query.show]}


def _narrowed(query: Query, given: QueryDict, name: str, key: Any) -> str:
    """The address of the same report limited to one value; of a day, that day hour by hour."""
    if isinstance(key, date):
        if name != "day":
            return ""
        return _with(given, period="custom", **{"from": key.isoformat(), "to": key.isoformat()})
    if name not in FILTERS or (name == "advertiser" and query.advertiser is not None):
        return ""
    return _with(given, **{name: "-" if key == "" else str(key)})


def _cell(name: str, figures: Figures, before: Figures | None) -> dict[str, Any]:
    value = figures[name]
    cell: dict[str, Any] = {"text": written(name, value), "label": MEASURES[name].label}
    if before is not None:
        earlier = before[name]
        cell["before"] = written(name, earlier)
        cell["change"] = _change(value, earlier)
        cell["way"] = "" if not value or not earlier or value == earlier else "up" if value > earlier else "down"
    return cell


def written(name: str, value: float | None) -> str:
    """A figure as people read it."""
    if value is None:
        return "-"
    unit = MEASURES[name].unit
    if unit == "share":
        return f"{value:.2%}"
    if unit == "money":
        return show.money(round(value), digits=4 if name in ("cpc", "ecpcv") and value < 1_000_000 else 2)
    return show.count(int(value))


def _change(value: float | None, earlier: float | None) -> str:
    if value is None or earlier is None:
        return ""
    if not earlier:
        return "new" if value else "="
    return "=" if value == earlier else f"{value / earlier - 1:+.1%}"


def chart(found: Delivery) -> dict[str, Any] | None:
    """The first figure over time where the report has time, else of its first rows: names and values for the page's script."""
    query = found.query
    if not found.rows or not query.by:
        return None
    name = query.show[0]
    unit = MEASURES[name].unit
    of_time = [place for place, one in enumerate(query.by) if DIMENSIONS[one].of_time]
    base = {"label": MEASURES[name].label, "unit": unit, "scale": 1_000_000 if unit == "money" else 1}
    if not of_time:
        rows = found.rows[:SERIES]
        return {**base, "kind": "bar", "labels": [" / ".join(row.names) for row in rows], "series": [{"name": "", "values": _values(rows, name)}]}
    ordered = sorted(found.rows, key=lambda row: tuple(str(row.names[place]) for place in of_time))
    labels = list(dict.fromkeys(" ".join(row.names[place] for place in of_time) for row in ordered))[-POINTS:]
    series: dict[str, dict[str, Any]] = {}
    for row in ordered:
        split = " / ".join(called for place, called in enumerate(row.names) if place not in of_time)
        series.setdefault(split, {})[" ".join(row.names[place] for place in of_time)] = row.figures[name]
    largest = sorted(series, key=lambda split: -sum(value or 0 for value in series[split].values()))[: SERIES // 2]
    drawn = [{"name": split, "values": [series[split].get(label) for label in labels]} for split in largest]
    return {**base, "kind": "line", "labels": labels, "series": drawn}


def _values(rows: tuple[Row, ...], name: str) -> list[Any]:
    return [row.figures[name] for row in rows]


def _with(given: QueryDict, **changes: str) -> str:
    changed = given.copy()
    for name, value in changes.items():
        changed[name] = value
    return f"?{changed.urlencode()}"


def page_context(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, "reports": links(request)}


def links(request: HttpRequest) -> list[dict[str, str]]:
    """The pages of reports beside each other."""
    return [{"title": title, "link": reverse(f"admin:{name}")} for title, name in LINKS]


admin_pages.add("reports/", page, PAGE)
admin_pages.add("reports/options/", options, "report_options")
