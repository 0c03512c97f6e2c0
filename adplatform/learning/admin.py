"""Models in the admin: what each was trained on, how it did, what the gates said, and which one serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget

from adplatform.addresses import row_or_404
from adplatform.models import ModelVersion

from . import estimators, training
from .card.figures import importance_of
from .card.views import model_card
from .predictor import ArtifactRefused
from .registry import NotPromotable
from .selectors import trouble_of
from .services import model_canary, model_promote, model_rollback, model_shadow, model_stop, model_train

SHOWN_FEATURES = 12
VERDICTS = {"pass": "Pass", "fail": "Fail", "not_enough_evidence": "Not enough evidence"}
LABELS = {
    "champion": "success",
    "previous": "info",
    "challenger": "warning",
    "shadow": "info",
    "canary": "warning",
    "promoted": "success",
    "refused": "danger",
    "failed": "danger",
}


class TrainForm(forms.Form):
    """What to train; an estimator that does not fit the kind is refused in words."""

    kind = forms.ChoiceField(choices=[], widget=UnfoldAdminSelectWidget)
    estimator = forms.ChoiceField(choices=[], required=False, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(kind, kind) for kind in training.kinds()]  # type: ignore[attr-defined]
        names = [(name, name.replace("_", " ")) for name in estimators.ESTIMATORS]
        self.fields["estimator"].choices = [("", "The kind's own"), *names]  # type: ignore[attr-defined]


class ShadowForm(forms.Form):
    """Nothing to fill in: it only scores what others decide."""

    title = "Shadow"
    sentence = "It scores what the others decide and decides nothing itself. When it has seen enough, a canary begins by itself."

    def start(self, actor: AbstractBaseUser, version: ModelVersion) -> str:
        model_shadow(actor=actor, version=version, now=timezone.now())
        return f"{version} is in shadow."


class CanaryForm(ShadowForm):
    title = "Canary"
    sentence = "It decides for a share of the viewers, who stay the same while the share grows. It steps down by itself when an alarm is raised."
    percent = forms.FloatField(min_value=0.1, max_value=99, initial=5, label="Share of the viewers in percent", widget=UnfoldAdminDecimalFieldWidget)

    def start(self, actor: AbstractBaseUser, version: ModelVersion) -> str:
        share = self.cleaned_data["percent"] / 100
        model_canary(actor=actor, version=version, share=share, now=timezone.now())
        return f"{version} decides for {share:.1%} of the viewers."


@admin.register(ModelVersion)
class ModelVersionAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ["name", "serves", "state", "share", "figure", "rows", "trained_at", "short_verdict"]
    list_filter = ["kind", "status", "alias"]
    search_fields = ["kind", "estimator", "verdict"]
    actions = ["roll_back", "stop_test"]
    actions_list = ["train"]
    actions_detail = ["card", "promote", "shadow", "canary"]
    fieldsets = (
        (None, {"fields": ["kind", "number", "estimator", "serves", "loads", "state", "share", "stage_since", "verdict"]}),
        ("Figures on later sessions, beside the constant prediction", {"fields": ["metrics_table"]}),
        ("Gates", {"fields": ["gates_table"]}),
        ("Trained on", {"fields": ["trained_at", "data_from", "data_to", "train_rows", "test_rows", "synthetic_share"]}),
        ("What it looks at most", {"fields": ["importance_table"]}),
        ("Artifact", {"fields": ["artifact", "artifact_sha256"]}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: ModelVersion | None = None) -> list[str]:
        return [name for _, options in self.fieldsets for name in options["fields"]]

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None) -> Any:
        """Its buttons change it; nothing on the page itself can be saved."""
        nothing_to_save = {"show_save": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **nothing_to_save})

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A version comes from a training run alone."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ModelVersion | None = None) -> bool:
        """Decisions name the version that scored them."""
        return False

    @admin.display(description="Model", ordering="number")
    def name(self, version: ModelVersion) -> str:
        return f"{version.kind} v{version.number} · {version.estimator.replace('_', ' ')}"

    @display(description="Serves as", label=LABELS)  # type: ignore[untyped-decorator]
    def serves(self, version: ModelVersion) -> str:
        return version.alias

    @display(description="State", label=LABELS)  # type: ignore[untyped-decorator]
    def state(self, version: ModelVersion) -> str:
        return version.status

    @admin.display(description="Share of the traffic")
    def share(self, version: ModelVersion) -> str:
        return f"{version.traffic_share:.0%}" if version.status == ModelVersion.Status.CANARY else "-"

    @admin.display(description="Against the constant")
    def figure(self, version: ModelVersion) -> str:
        for name, title in (("normalised_entropy", "normalised entropy"), ("mae", "mean absolute error")):
            metric = version.metrics.get(name)
            if metric and metric["value"] is not None and metric["baseline"] is not None:
                return f"{title} {metric['value']:.4f} : {metric['baseline']:.4f}"
        return "-"

    @admin.display(description="Rows")
    def rows(self, version: ModelVersion) -> str:
        return f"{version.train_rows:,} + {version.test_rows:,}" if version.train_rows else "-"

    @admin.display(description="Verdict")
    def short_verdict(self, version: ModelVersion) -> str:
        if version.alias == ModelVersion.Alias.CHAMPION and (trouble := trouble_of(version)):
            return trouble
        return version.verdict if len(version.verdict) <= 90 else f"{version.verdict[:90]}..."

    @admin.display(description="Can be loaded")
    def loads(self, version: ModelVersion) -> str:
        return (trouble_of(version) or "yes") if version.artifact else "-"

    @admin.display(description="Figures")
    def metrics_table(self, version: ModelVersion) -> SafeString | str:
        rows = [
            [
                name.replace("_", " "),
                _number(metric["value"]),
                _number(metric["baseline"]),
                f"{_number(metric['ci_low'])} to {_number(metric['ci_high'])}",
            ]
            for name, metric in version.metrics.items()
        ]
        return _table(["Figure", "Value", "Constant", "95 % interval"], rows)

    @admin.display(description="Gates")
    def gates_table(self, version: ModelVersion) -> SafeString | str:
        rows = [[gate["name"], VERDICTS.get(gate["verdict"], gate["verdict"]), gate["words"]] for gate in version.gates]
        return _table(["Gate", "Verdict", "In words"], rows)

    @admin.display(description="Importance")
    def importance_table(self, version: ModelVersion) -> SafeString | str:
        bars, means = importance_of(version)
        return _table(["Feature", means], [[bar.name, bar.value] for bar in bars[:SHOWN_FEATURES]])

    @admin.action(description="Roll back these kinds to their previous model", permissions=["change"])
    def roll_back(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        for kind in sorted(set(queryset.values_list("kind", flat=True))):
            try:
                version = model_rollback(actor=request.user, kind=kind)  # type: ignore[arg-type]
            except (NotPromotable, ArtifactRefused) as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(request, f"{version} serves again.", messages.SUCCESS)

    @admin.action(description="End the test of these kinds' challengers", permissions=["change"])
    def stop_test(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        for kind in sorted(set(queryset.values_list("kind", flat=True))):
            try:
                version = model_stop(actor=request.user, kind=kind, now=timezone.now())  # type: ignore[arg-type]
            except NotPromotable as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(request, f"{version} is out of the rollout; the champion answers all.", messages.SUCCESS)

    @action(description="Model card", permissions=["view"], url_path="card", icon="monitoring")  # type: ignore[untyped-decorator]
    def card(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return model_card(request, object_id, site=self.admin_site)

    @action(description="Promote", permissions=["change"], url_path="promote", icon="rocket_launch")  # type: ignore[untyped-decorator]
    def promote(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks first: a person may overrule the gates, and should see what they said."""
        version = row_or_404(ModelVersion.objects.all(), object_id)
        back = HttpResponseRedirect(reverse("admin:adplatform_modelversion_change", args=[version.pk]))
        if request.method != "POST":
            return self._page(
                request, f"Promote {version}", "adplatform/model_promote.html", {"version": version, "gates": self.gates_table(version)}
            )
        try:
            model_promote(actor=request.user, version=version)  # type: ignore[arg-type]
        except (NotPromotable, ArtifactRefused) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, f"{version} serves now.", messages.SUCCESS)
        return back

    @action(description="Shadow", permissions=["change"], url_path="shadow", icon="visibility")  # type: ignore[untyped-decorator]
    def shadow(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = row_or_404(ModelVersion.objects.all(), object_id)
        return self._tested(request, version, ShadowForm(request.POST if request.method == "POST" else None))

    @action(description="Canary", permissions=["change"], url_path="canary", icon="alt_route")  # type: ignore[untyped-decorator]
    def canary(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = row_or_404(ModelVersion.objects.all(), object_id)
        return self._tested(request, version, CanaryForm(request.POST if request.method == "POST" else None))

    def _tested(self, request: HttpRequest, version: ModelVersion, form: ShadowForm) -> HttpResponse:
        """Asks first: a person may overrule the gates, and should see what they said."""
        if request.method != "POST" or not form.is_valid():
            context = {"version": version, "gates": self.gates_table(version), "form": form}
            return self._page(request, f"{form.title} of {version}", "adplatform/model_test.html", context)
        try:
            words = form.start(request.user, version)  # type: ignore[arg-type]
        except (NotPromotable, ArtifactRefused) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, words, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:adplatform_modelversion_change", args=[version.pk]))

    @action(description="Train a model", permissions=["change"], url_path="train", icon="model_training")  # type: ignore[untyped-decorator]
    def train(self, request: HttpRequest) -> HttpResponse:
        form = TrainForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            kind = form.cleaned_data["kind"]
            try:
                model_train(actor=request.user, kind=kind, estimator=form.cleaned_data["estimator"] or None)  # type: ignore[arg-type]
            except estimators.UnknownEstimator as error:
                form.add_error("estimator", str(error))
            else:
                self.message_user(request, f"Training of {kind} is queued; its row shows how far it is.", messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:adplatform_trainingrun_changelist"))
        return self._page(request, "Train a model", "adplatform/model_train.html", {"form": form})

    def _page(self, request: HttpRequest, title: str, template: str, context: dict[str, Any]) -> HttpResponse:
        return render(request, template, {**self.admin_site.each_context(request), "title": title, "opts": self.opts, **context})


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> SafeString | str:
    if not rows:
        return "-"
    return render_to_string("unfold/components/table.html", {"table": {"headers": headers, "rows": rows}})


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
