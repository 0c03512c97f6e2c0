"""Experiments in the admin: made as drafts, started, read, stopped and rolled out; every look and every plot of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from adplatform.addresses import row_or_404
from adplatform.models import Assignment, Experiment, ExperimentReading
from adplatform.read_only import ReadOnly

from . import metrics
from .assignment import parse_arms
from .plot import Point, sequence_svg
from .readout import SAMPLE_RATIO, NotReadable, experiment_read
from .services import UnknownArm, WrongState, experiment_roll_out, experiment_start, experiment_stop

# A month of a look each ten minutes, of a few metrics.
MOST_READINGS = 30_000
LABELS = {"running": "success", "stopped": "info", "draft": "warning"}
DRAFT_FIELDS = ("key", "description", "arms", "metric", "metrics", "guardrails", "alpha", "split_budgets")
HALVES = [{"name": "control", "share": 0.5}, {"name": "new", "share": 0.5}]


class TypedJson(json.JSONDecoder):
    """Refuses in words what can be read but neither stored nor shown again: nested deeper than the parser goes, numbers longer than it
    takes, halves of characters."""

    def decode(self, s: str, *args: Any) -> Any:
        try:
            found = super().decode(s, *args)
            json.dumps(found, ensure_ascii=False).encode()
        except json.JSONDecodeError:
            raise
        except (RecursionError, ValueError) as error:
            raise json.JSONDecodeError(str(error), s, 0) from error
        return found


class ExperimentForm(forms.ModelForm):  # type: ignore[type-arg]
    """Metrics are picked from those the rooms register; what is wrong with the rest is said in words beside it."""

    metric = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget, help_text="The one that decides it; the others are read beside it")
    metrics = forms.MultipleChoiceField(
        required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget, label="Read beside it", help_text="Of many metrics one moves by accident"
    )

    class Meta:
        model = Experiment
        fields = DRAFT_FIELDS
        help_texts = {
            "key": "Names it in the code that asks for its arm",
            "arms": "The first is the control. Shares are fractions of everybody; what they leave of 1 stays outside",
            "guardrails": 'It stops by itself when one is surely worse by this share: [{"metric": "film_completion", "worst": 0.05}]',
            "split_budgets": "For tests between ads: each arm spends its own share of the flights' budgets and goals, so that none takes the other's",
            "alpha": "Chance of a false alarm over its whole life, however often it is read",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(metric.name, metric.title) for metric in sorted(metrics.registered().values(), key=lambda one: one.title)]
        for field, choices in (("metric", [("", "None yet"), *named]), ("metrics", named)):
            if field in self.fields:
                self.fields[field].choices = choices  # type: ignore[attr-defined]
        for field in ("arms", "guardrails"):
            if field in self.fields:
                self.fields[field].decoder = TypedJson  # type: ignore[attr-defined]
        for field in ("metrics", "guardrails"):
            if field in self.fields:
                self.fields[field].required = False
        if "arms" in self.fields and not self.instance.pk:
            self.fields["arms"].initial = HALVES

    def clean_guardrails(self) -> Any:
        return self.cleaned_data.get("guardrails") or []


class AssignmentInline(ReadOnly, TabularInline):  # type: ignore[misc]
    extra = 0
    hide_title = True
    per_page = 20
    model = Assignment
    fields = ["session", "arm", "exposed_at"]
    ordering = ["-exposed_at", "pk"]
    verbose_name_plural = "Exposures"


@admin.register(Experiment)
class ExperimentAdmin(ModelAdmin):  # type: ignore[misc]
    form = ExperimentForm
    list_display = ["key", "shown_state", "metric", "short_verdict", "started_at", "stopped_at"]
    list_filter = ["state"]
    search_fields = ["key", "description"]
    actions = ["start", "stop"]
    actions_detail = ["read_now", "start_one", "stop_one", "roll_out"]
    inlines = [AssignmentInline]

    def get_fieldsets(self, request: HttpRequest, obj: Experiment | None = None) -> Any:
        sets: list[Any] = [(None, {"fields": DRAFT_FIELDS})]
        if obj is not None and obj.state != Experiment.State.DRAFT:
            sets = [
                ("What it says", {"fields": ["shown_verdict", "shown_alarm", "readings_table", "plots"]}),
                ("Set up", {"fields": [*DRAFT_FIELDS, "state", "started_at", "stopped_at", "rolled_out"]}),
            ]
        return sets

    def get_readonly_fields(self, request: HttpRequest, obj: Experiment | None = None) -> list[str]:
        """All is frozen once it runs but its description: another share would move people between arms, another metric would be
        chosen by what it shows."""
        machine = ["state", "started_at", "stopped_at", "rolled_out", "shown_verdict", "shown_alarm", "readings_table", "plots"]
        frozen = [] if obj is None or obj.state == Experiment.State.DRAFT else [name for name in DRAFT_FIELDS if name != "description"]
        return [*machine, *frozen]

    def get_inlines(self, request: HttpRequest, obj: Experiment | None) -> list[Any]:
        return [] if obj is None or obj.state == Experiment.State.DRAFT else self.inlines

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.state == Experiment.State.DRAFT)

    def has_read_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, Experiment.State.RUNNING, Experiment.State.STOPPED)

    def has_start_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, Experiment.State.DRAFT)

    def has_stop_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, Experiment.State.RUNNING)

    def _may(self, request: HttpRequest, object_id: Any, *states: str) -> bool:
        """A button that would be refused is not offered."""
        if not str(object_id).isdecimal():
            return False
        return self.has_change_permission(request) and Experiment.objects.filter(pk=object_id, state__in=states).exists()

    @display(description="State", label=LABELS, ordering="state")  # type: ignore[untyped-decorator]
    def shown_state(self, experiment: Experiment) -> str:
        return experiment.state

    @admin.display(description="Verdict")
    def short_verdict(self, experiment: Experiment) -> str:
        words = experiment.alarm or experiment.verdict or "-"
        return words if len(words) <= 90 else f"{words[:90]}..."

    @admin.display(description="Verdict")
    def shown_verdict(self, experiment: Experiment) -> str:
        return experiment.verdict or "Not read yet: it is read every ten minutes, or by the button above."

    @admin.display(description="Stopped by itself")
    def shown_alarm(self, experiment: Experiment) -> SafeString | str:
        return format_html('<p class="experiment-alarm">{}</p>', experiment.alarm) if experiment.alarm else "no"

    @admin.display(description="Last look")
    def readings_table(self, experiment: Experiment) -> SafeString | str:
        last = experiment.readings.order_by("-at").values_list("at", flat=True).first()
        if last is None:
            return "-"
        rows = list(experiment.readings.filter(at=last).order_by("pk"))
        context = {
            "at": last,
            "sizes": next((row for row in rows if row.metric == SAMPLE_RATIO), None),
            "rows": [_told(row) for row in rows if row.metric != SAMPLE_RATIO],
            "interference": next((row.figures["interference"] for row in rows if row.figures.get("interference")), ""),
        }
        return render_to_string("adplatform/experiment_look.html", context)

    @admin.display(description="From look to look")
    def plots(self, experiment: Experiment) -> SafeString | str:
        """Effect and interval over time, by metric and arm; the dashed line is no difference."""
        found: defaultdict[tuple[str, str], list[Point]] = defaultdict(list)
        readings = experiment.readings.order_by("-at").values_list("metric", "arm", "at", "effect", "low", "high")
        for metric, arm, at, effect, low, high in readings[:MOST_READINGS]:
            if effect is not None and low is not None and high is not None:
                found[metric, arm].append(Point(at, effect, low, high))
        drawn = [_figure(metric, arm, points[::-1]) for (metric, arm), points in sorted(found.items())]
        return format_html_join("", "{}", ((one,) for one in drawn)) if drawn else "-"

    @admin.action(description="Start", permissions=["change"])
    def start(self, request: HttpRequest, queryset: QuerySet[Experiment]) -> None:
        for experiment in queryset:
            self._do(request, experiment, experiment_start, "runs")

    @admin.action(description="Stop", permissions=["change"])
    def stop(self, request: HttpRequest, queryset: QuerySet[Experiment]) -> None:
        for experiment in queryset:
            self._do(request, experiment, experiment_stop, "is stopped")

    @action(description="Read now", permissions=["read"], url_path="read", icon="query_stats")  # type: ignore[untyped-decorator]
    def read_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        experiment = row_or_404(Experiment.objects.all(), object_id)
        if request.method == "POST":
            try:
                readout = experiment_read(experiment=experiment, now=datetime.now(UTC))
            except NotReadable as reason:
                self.message_user(request, str(reason), messages.ERROR)
            else:
                self.message_user(request, f"{experiment.key}: {readout.words}", messages.WARNING if readout.alarm else messages.SUCCESS)
            return _back(experiment)
        words = "Counts what every exposed unit has done until now. It may be read as often as you like: its intervals hold for all looks together."
        return self._ask(request, experiment, f"Read {experiment.key}", words, "Read")

    @action(description="Start", permissions=["start"], url_path="start", icon="play_arrow")  # type: ignore[untyped-decorator]
    def start_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        words = "Everybody whose session begins from now on falls into an arm or outside. Arms, metrics and guardrails cannot be changed any more."
        return self._asked(request, object_id, "Start", words, experiment_start, "runs")

    @action(description="Stop", permissions=["stop"], url_path="stop", icon="stop")  # type: ignore[untyped-decorator]
    def stop_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        words = "Within seconds nobody gets any of its arms. Its figures stay; it cannot be started again."
        return self._asked(request, object_id, "Stop", words, experiment_stop, "is stopped")

    @action(description="Roll out", permissions=["read"], url_path="rollout", icon="rocket_launch")  # type: ignore[untyped-decorator]
    def roll_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        experiment = row_or_404(Experiment.objects.all(), object_id)
        if request.method == "POST":
            arm = request.POST.get("arm", "")
            return self._done(
                request,
                experiment,
                lambda **kwargs: experiment_roll_out(arm=arm, **kwargs),
                f"gives everybody {arm}" if arm else "gives nobody an arm",
            )
        words = "Everybody gets this arm from now on, and a running experiment ends. It can be taken back here."
        arms = [arm.name for arm in parse_arms(experiment.arms)]
        return self._ask(request, experiment, f"Roll out an arm of {experiment.key}", words, "Roll out", arms=arms)

    def _asked(self, request: HttpRequest, object_id: str, verb: str, words: str, service: Callable[..., None], outcome: str) -> HttpResponse:
        experiment = row_or_404(Experiment.objects.all(), object_id)
        if request.method == "POST":
            return self._done(request, experiment, service, outcome)
        return self._ask(request, experiment, f"{verb} {experiment.key}", words, verb)

    def _ask(self, request: HttpRequest, experiment: Experiment, title: str, words: str, verb: str, **context: Any) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "title": title, "opts": self.opts}
        return render(request, "adplatform/experiment_ask.html", {**shared, "experiment": experiment, "words": words, "verb": verb, **context})

    def _done(self, request: HttpRequest, experiment: Experiment, service: Callable[..., None], outcome: str) -> HttpResponse:
        self._do(request, experiment, service, outcome)
        return _back(experiment)

    def _do(self, request: HttpRequest, experiment: Experiment, service: Callable[..., None], outcome: str) -> None:
        try:
            service(actor=request.user, experiment=experiment, now=datetime.now(UTC))
        except (WrongState, UnknownArm, ValidationError) as error:
            self.message_user(request, f"{experiment.key}: {' '.join(getattr(error, 'messages', [str(error)]))}", messages.ERROR)
        else:
            self.message_user(request, f"{experiment.key} {outcome}.", messages.SUCCESS)


def _back(experiment: Experiment) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:adplatform_experiment_change", args=[experiment.pk]))


def _told(row: ExperimentReading) -> dict[str, str]:
    known = metrics.registered().get(row.metric)
    biased = row.figures.get("interference", "")
    beside = ["read with care: interference, see below"] if biased else []
    if row.variance_left < 1:
        beside.append(f"adjusting for earlier behaviour left {row.variance_left:.0%} of the variance".replace("%", " %"))
    return {
        "title": known.title if known else row.metric,
        "unit": known.unit if known else "",
        "arm": row.arm,
        "units": f"{row.units:,} : {row.control_units:,}",
        "control": _number(row.control_mean),
        "value": _number(row.mean),
        "words": row.words.removesuffix(f". {biased}") if biased else row.words,
        "beside": "; ".join(beside),
    }


def _figure(metric: str, arm: str, points: list[Point]) -> SafeString:
    known = metrics.registered().get(metric)
    title, unit = (known.title, known.unit) if known else (metric, "")
    label = f"{title}: {arm} less control, {unit}"
    return format_html('<figure class="sequence-figure"><figcaption>{}</figcaption>{}</figure>', label, sequence_svg(points, label=label, unit=unit))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
