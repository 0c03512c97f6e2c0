"""Actions on one row or many: what will be done is shown first, row by row, and what cannot be undone is typed out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from ads import flight_refunds, services, steering
from ads.models import Campaign, Flight
from ads.money import WrongAmount, read_amount
from ads.standing import midnight

from . import show
from .billing import REFUND
from .kept import Kept

MOST_ROWS, SHOWN_ROWS, MOST_CHECKED = 2_000, 200, 200
# These ask the rules about each row, and so take fewer at a time.
CHECKED = frozenset({"launch", "extend", "duplicate"})


class Verb(NamedTuple):
    """How an action is called. ``permission`` is the verb of a ``has_<verb>_permission``; what is ``typed`` cannot be undone."""

    title: str
    button: str
    done: str
    permission: str = "change"
    typed: bool = False


VERBS = {
    "launch": Verb("Launch drafts", "Launch", "launched"),
    "pause": Verb("Pause", "Pause", "paused"),
    "resume": Verb("Resume", "Resume", "resumed"),
    "extend": Verb("Extend", "Extend", "extended"),
    "duplicate": Verb("Duplicate", "Duplicate", "duplicated", permission="copy"),
    "end": Verb("End for good", "End for good", "ended", typed=True),
}
# One row is switched at once: it is undone as quickly.
AT_ONCE = frozenset({"pause", "resume"})


def bulk(verb: str) -> Any:
    """The action of a list."""
    of = VERBS[verb]

    @admin.action(description=of.title, permissions=[of.permission])
    def act(self: Steered, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self.steer(request, queryset, verb)

    act.__name__ = verb
    return act


class Steered(Kept):
    """Adds the actions to a page of campaigns or flights."""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        name = self.opts.model_name
        return [path("<int:pk>/steer/<slug:verb>/", wrap(self.steer_page), name=f"ads_{name}_steer"), *super().get_urls()]

    def has_copy_permission(self, request: HttpRequest, *row: Any) -> bool:
        return bool(self.has_add_permission(request))

    def steer_page(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """The same for one row, from its own page."""
        if verb not in VERBS or verb not in self.actions:
            raise Http404
        self._allow(request, verb)
        rows = self.get_queryset(request).filter(pk=pk)
        if not rows.exists():
            raise Http404
        answer = self.steer(request, rows, verb, page=reverse(f"admin:ads_{self.opts.model_name}_change", args=[pk]))
        return answer or redirect(reverse(f"admin:ads_{self.opts.model_name}_change", args=[pk]))

    def _allow(self, request: HttpRequest, verb: str) -> None:
        if not getattr(self, f"has_{VERBS[verb].permission}_permission")(request):
            raise PermissionDenied

    def steer(self, request: HttpRequest, queryset: QuerySet[Any], verb: str, *, page: str = "") -> HttpResponse | None:
        """Show what would be done, or do it when that was seen and agreed to."""
        self._allow(request, verb)
        related = ("campaign__advertiser", "balance") if self.opts.model_name == "flight" else ("advertiser",)
        most = MOST_CHECKED if verb in CHECKED else MOST_ROWS
        rows = list(queryset.select_related(*related)[: most + 1])
        if len(rows) > most:
            self.say(request, f"{VERBS[verb].title} takes at most {most:,} rows at a time; narrow the list.", messages.WARNING)
            return None
        asked = request.POST
        if request.method == "POST" and verb in AT_ONCE and len(rows) == 1:
            return self._do(request, rows, verb, None)
        more, problem = self._more(asked, rows, verb)
        phrase = confirmation(verb, rows)
        if request.method == "POST" and "agreed" in asked and not problem:
            if phrase and asked.get("phrase", "").strip() != phrase:
                problem = f"Type “{phrase}” as it stands here to end {'it' if len(rows) == 1 else 'them'} for good; nothing was done."
            else:
                return self._do(request, rows, verb, more)
        return self._show(request, rows, verb, more, problem if "agreed" in asked or "preview" in asked else "", phrase, page)

    def _more(self, asked: Any, rows: Sequence[Any], verb: str) -> tuple[steering.More | None, str]:
        if verb != "extend":
            return None, ""
        spend = all(row.goal_type == Flight.Goal.SPEND for row in rows)
        if not spend and any(row.goal_type == Flight.Goal.SPEND for row in rows) and asked.get("goal", "").strip()[-1:] not in ("", "%"):
            return None, "Some of these goals are money and others are counts: add to them by a share, such as 10%."
        try:
            return steering.read_more(asked.get("days", ""), asked.get("goal", ""), asked.get("budget", ""), spend=spend), ""
        except ValueError as error:
            return None, str(error)

    def _show(
        self, request: HttpRequest, rows: Sequence[Any], verb: str, more: steering.More | None, problem: str, phrase: str, page: str
    ) -> HttpResponse:
        told = steering.verdicts(verb, rows[:SHOWN_ROWS], now=datetime.now(UTC), more=more)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{VERBS[verb].title}: {rows[0] if len(rows) == 1 else f'{len(rows)} {self.opts.verbose_name_plural}'}",
            "opts": self.opts, "verb": verb, "of": VERBS[verb], "verdicts": told, "hidden": max(0, len(rows) - SHOWN_ROWS), "problem": problem,
            "possible": sum(not one.refused for one in told), "refused": sum(bool(one.refused) for one in told), "phrase": phrase,
            "asked": request.POST,
            "checkbox": ACTION_CHECKBOX_NAME, "ids": [] if page or request.POST.get("select_across") == "1" else [row.pk for row in rows],
            "across": request.POST.get("select_across", "0"), "back": page or request.get_full_path(), "bulk": not page,
            "needs_more": verb == "extend", "ready": verb != "extend" or more is not None, "currency": settings.CURRENCY,
        }  # fmt: skip
        return TemplateResponse(request, "ads/admin/steer.html", context)

    def _do(self, request: HttpRequest, rows: Sequence[Any], verb: str, more: steering.More | None) -> HttpResponse | None:
        done: list[Any] = []
        for row in rows:
            try:
                done.append(perform(verb, row, request.user, more))
            except services.WrongState as error:
                self.say(request, str(error), messages.WARNING)
            except ValidationError as error:
                self.say(request, f"{row}: {' '.join(error.messages)}", messages.WARNING)
        if done:
            name = self.opts.verbose_name if len(done) == 1 else self.opts.verbose_name_plural
            after = "" if verb in ("duplicate",) else " Serving follows within a second."
            self.say(request, f"{len(done)} {name} {VERBS[verb].done}.{after}", messages.SUCCESS)
        if verb == "duplicate" and len(done) == 1:
            return redirect(reverse(f"admin:ads_{self.opts.model_name}_change", args=[done[0].pk]))
        return None

    def say(self, request: HttpRequest, words: str, level: int) -> None:
        self.message_user(request, words, level)


def confirmation(verb: str, rows: Sequence[Any]) -> str:
    """What has to be typed before it is done: of rows that serve, what cannot be undone."""
    serving = any(row.state in (Flight.State.LIVE, Campaign.State.ACTIVE) for row in rows)
    if not VERBS[verb].typed or not serving:
        return ""
    return str(rows[0].name) if len(rows) == 1 else f"end {len(rows)}"


def perform(verb: str, row: Any, actor: Any, more: steering.More | None) -> Any:
    """Run the service behind an action. Raises services.WrongState and ValidationError in words."""
    now = datetime.now(UTC)
    if isinstance(row, Campaign):
        if verb == "duplicate":
            return steering.campaign_duplicate(actor=actor, campaign=row, now=now)
        of_campaign = {"pause": services.campaign_pause, "resume": services.campaign_resume, "end": services.campaign_end}
        return of_campaign[verb](actor=actor, campaign=row)
    if verb == "launch":
        return services.flight_launch(actor=actor, flight=row, now=now)
    if verb == "duplicate":
        return steering.flight_duplicate(actor=actor, flight=row, now=now)
    if verb == "extend":
        return steering.flight_extend(actor=actor, flight=row, more=more or steering.More())
    return {"pause": services.flight_pause, "resume": services.flight_resume, "end": services.flight_end}[verb](actor=actor, flight=row)


class Refunds(Kept):
    """Adds giving back what a flight was charged in a period, for those who may."""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [path("<int:pk>/refund/", wrap(self.refund_page), name="ads_flight_refund"), *super().get_urls()]

    def refund_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not request.user.has_perm(REFUND):
            raise PermissionDenied
        flight = self.get_queryset(request).filter(pk=pk).first()
        if flight is None:
            raise Http404
        asked = request.POST if request.method == "POST" else {}
        today = datetime.now(UTC).date()
        first, last = asked.get("since") or f"{today.replace(day=1):%Y-%m-%d}", asked.get("until") or f"{today:%Y-%m-%d}"
        context: dict[str, Any] = {"since": first, "until": last, "amount": asked.get("amount", ""), "note": asked.get("note", "")}
        try:
            start, end = midnight(date.fromisoformat(first)), midnight(date.fromisoformat(last) + timedelta(days=1))
            most = read_amount(context["amount"], currency=settings.CURRENCY) if context["amount"].strip() else None
            standing = flight_refunds.charged(flight, start, end)
            context |= {"charges": standing.charges, "charged": show.money(standing.micros, digits=6)}
            if asked:
                entries = flight_refunds.chosen(flight, start, end, most)
                total = sum(entry.amount_micros for entry in entries)
                context |= {"entries": len(entries), "total": show.money(total, digits=6), "phrase": f"refund {len(entries)}"}
                if "agreed" in asked:
                    if asked.get("phrase", "").strip() != context["phrase"]:
                        raise services.WrongState(f"Type “{context['phrase']}” as it stands here; nothing was given back.")
                    done = flight_refunds.flight_refund(
                        actor=request.user, flight=flight, start=start, end=end, note=context["note"], most_micros=most
                    )
                    words = f"{show.money(done.micros, digits=6)} in {len(done.entries):,} charges given back to {flight.campaign.advertiser}."
                    self.message_user(request, words, messages.SUCCESS)
                    return redirect("admin:ads_flight_change", flight.pk)
        except (services.WrongState, WrongAmount, ValueError) as error:
            words = str(error) if isinstance(error, services.WrongState | WrongAmount) else "Write both days as YYYY-MM-DD."
            context["problem"] = words
        context |= {**self.admin_site.each_context(request), "title": f"Refund: {flight}", "flight": flight, "opts": self.opts}
        return TemplateResponse(request, "ads/admin/flight_refund.html", context)
