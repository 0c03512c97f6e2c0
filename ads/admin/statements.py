"""Statements: which there are, each as a page to print and as a CSV that holds every micro."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse

from adplatform import admin_pages
from ads.models import Advertiser
from ads.reports import files
from ads.reports.statement import CLOSED, KINDS, OPEN, SETTLING, NoMonth, Statement, Summary, issuer, read_month, statement, summaries
from ads.scope import EVERYBODY, advertiser_of, visible_to

from .reports import page_context, streamed

MONTHS_SHOWN = 24
STATES = {OPEN: "Open: the month is running", SETTLING: "Settling: the last charges of the month are being booked", CLOSED: "Closed"}
# ISO 4217: currencies whose smallest unit is not a hundredth.
WHOLE = frozenset({"JPY", "KRW", "VND", "CLP", "ISK", "HUF", "UGX", "PYG", "XAF", "XOF", "XPF"})


def may_read(user: User | AnonymousUser) -> bool:
    """Who may read the ledger, and the advertiser's own people: these a statement alone."""
    return user.has_perm("ads.view_ledgerentry") or (user.has_perm("ads.view_campaign") and advertiser_of(user) is not EVERYBODY)


def index(request: HttpRequest) -> HttpResponse:
    """``GET /admin/reports/statements/``: of a month, or the months of an advertiser; people of an advertiser see their own months."""
    if not may_read(request.user):
        raise PermissionDenied
    now = datetime.now(UTC)
    own = advertiser_of(request.user)
    chosen = own if own is not EVERYBODY else _chosen(request)
    problem = ""
    month = this = now.date().replace(day=1)
    if request.GET.get("month"):
        try:
            month = read_month(request.GET["month"], now=now)
        except NoMonth as error:
            problem = str(error)
    first = _back(this, MONTHS_SHOWN - 1) if chosen is not None else month
    found = summaries(first, this if chosen is not None else month, now=now, advertiser=chosen)
    context = {
        **page_context(request, "Statements"),
        "rows": [_row(one) for one in found],
        "total": written(sum(one.total for one in found)),
        "problem": problem,
        "month": month,
        "months_of": next((one.advertiser_name for one in found), "") if chosen is not None else "",
        "by_advertiser": chosen is not None,
        "narrowed": own is not EVERYBODY,
        "earlier": _back(month, 1),
        "later": _back(month, -1) if month < this else None,
        "advertisers": [] if own is not EVERYBODY else Advertiser.objects.order_by("name").values_list("pk", "name")[:2_000],
        "chosen": chosen,
    }
    return TemplateResponse(request, "ads/admin/statements.html", context)


def page(request: HttpRequest, advertiser: int, month: str) -> HttpResponseBase:
    """``GET /admin/reports/statements/<advertiser>/<YYYY-MM>/``, to print; with ``format=csv`` the file."""
    if not may_read(request.user):
        raise PermissionDenied
    now = datetime.now(UTC)
    of: QuerySet[Advertiser] = visible_to(request.user, Advertiser.objects.all())
    who = of.filter(pk=advertiser).first()
    if who is None:
        raise Http404("There is no such advertiser")
    try:
        found = statement(who, read_month(month, now=now), now=now)
    except NoMonth as error:
        raise Http404(str(error)) from None
    if request.GET.get("format") == "csv":
        return streamed(request, files.csv_chunks(files.statement_rows(found)), f"{found.number}.csv")
    return TemplateResponse(request, "ads/admin/statement.html", {**shown(found), "request": request})


def shown(found: Statement) -> dict[str, Any]:
    """The statement for people: amounts rounded to the smallest unit of money, the exact ones where they differ."""
    lines = [
        {
            "campaign": line.campaign_name,
            "flight": line.flight_name,
            "kind": KINDS.get(line.kind, line.kind),
            "pricing": line.pricing.upper(),
            "quantity": f"{line.quantity:,}",
            "price": _price(line.lowest, line.highest, line.price),
            "amount": _amount(line.micros),
        }
        for line in found.lines
    ]
    back = [
        {
            "campaign": one.campaign_name, "flight": one.flight_name, "kind": KINDS.get(one.kind, one.kind), "day": one.day,
            "charged_in": one.charged_in, "earlier": one.charged_in < found.month, "reason": one.reason, "note": one.note,
            "quantity": f"{one.quantity:,}", "amount": _amount(one.micros),
        }
        for one in found.given_back
    ]  # fmt: skip
    rounded = sum((_rounded(micros) for micros in (*(one.micros for one in found.lines), *(one.micros for one in found.given_back))), Decimal(0))
    return {
        "statement": found,
        "title": f"Statement {found.number}",
        "issuer": issuer(),
        "currency": settings.CURRENCY,
        "state": STATES[found.state],
        "is_open": found.state != CLOSED,
        "lines": lines,
        "uncharged": [{"one": one, "kind": KINDS.get(one.kind, one.kind), "quantity": f"{one.quantity:,}"} for one in found.uncharged],
        "given_back": back,
        "charged": _amount(found.charged),
        "reversed": _amount(found.reversed),
        "total": _amount(found.total),
        "opening": _amount(found.opening),
        "closing": _amount(found.closing),
        "rounding": _text(_rounded(found.total) - rounded) if rounded != _rounded(found.total) else "",
        "rounded_sum": _text(rounded),
        "delivered": exact(found.delivered),
        "rollup": exact(found.rollup),
        "agrees": found.delivered == found.rollup,
        "difference": exact(found.rollup - found.delivered),
        "moved": exact(found.total - found.delivered),
        "same_time": found.total == found.delivered,
    }


def _digits() -> int:
    return 0 if settings.CURRENCY in WHOLE else 2


def _rounded(micros: int) -> Decimal:
    return (Decimal(micros) / 1_000_000).quantize(Decimal(1).scaleb(-_digits()), ROUND_HALF_UP)


def _text(value: Decimal) -> str:
    return f"{value:,.{_digits()}f}"


def written(micros: int) -> str:
    """Rounded half up to the smallest unit of money."""
    return f"{_text(_rounded(micros))} {settings.CURRENCY}"


def exact(micros: int) -> str:
    return f"{Decimal(micros) / 1_000_000:,.6f} {settings.CURRENCY}"


def _amount(micros: int) -> dict[str, str]:
    return {"rounded": _text(_rounded(micros)), "exact": "" if _rounded(micros) * 1_000_000 == micros else f"{Decimal(micros) / 1_000_000:,.6f}"}


def _price(lowest: int, highest: int, mean: float) -> str:
    if lowest == highest:
        return f"{Decimal(lowest) / 1_000_000:,.6f}"
    return f"{Decimal(lowest) / 1_000_000:,.6f} to {Decimal(highest) / 1_000_000:,.6f}, mean {Decimal(round(mean)) / 1_000_000:,.6f}"


def _row(one: Summary) -> dict[str, Any]:
    link = reverse("admin:report_statement", args=[one.advertiser, f"{one.month:%Y-%m}"])
    return {
        "link": link,
        "csv": f"{link}?format=csv",
        "number": one.number,
        "advertiser": one.advertiser_name,
        "months": f"{reverse('admin:report_statements')}?advertiser={one.advertiser}",
        "month": one.month,
        "charged": written(one.charged),
        "reversed": written(one.reversed),
        "total": written(one.total),
        "state": one.state,
    }


def _chosen(request: HttpRequest) -> int | None:
    text = request.GET.get("advertiser", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _back(month: date, months: int) -> date:
    count = month.year * 12 + month.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


admin_pages.add("reports/statements/", index, "report_statements")
admin_pages.add("reports/statements/<int:advertiser>/<str:month>/", page, "report_statement")
