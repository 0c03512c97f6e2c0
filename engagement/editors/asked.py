"""Which window the editors ask for: the form above the figures."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from engagement.models import Device
from engagement.retention.selectors import Window

LONGEST_DAYS = 92
DEFAULT_DAYS = 28
LAST = [("7", "Last 7 days"), ("28", "Last 28 days"), ("", "Between two days")]
WHO = [("", "Everybody"), ("real", "Real viewers"), ("synthetic", "The synthetic audience")]


class WindowForm(forms.Form):
    """Everything left out: the last 28 days, every device, everybody."""

    days = forms.ChoiceField(choices=LAST, required=False, label="When", widget=UnfoldAdminSelectWidget)
    since = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}))
    device = forms.ChoiceField(choices=[("", "Every device"), *Device.choices], required=False, widget=UnfoldAdminSelectWidget)
    who = forms.ChoiceField(choices=WHO, required=False, label="Viewers", widget=UnfoldAdminSelectWidget)

    def __init__(self, asked: Any, *, today: date) -> None:
        self.today = today
        given = {name: asked.get(name, "") for name in self.base_fields}
        if not given["days"] and not (given["since"] or given["until"]):
            given["days"] = str(DEFAULT_DAYS)
        super().__init__(given)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = data.get("since"), data.get("until")
        if not data.get("days") and not self.errors:
            if not (since and until):
                raise forms.ValidationError("Give both days, the first and the last one.")
            if since > until:
                raise forms.ValidationError("The first day comes after the last one; swap them.")
            if (until - since).days >= LONGEST_DAYS:
                raise forms.ValidationError(f"Choose {LONGEST_DAYS} days at most.")
        return data

    @property
    def window(self) -> Window:
        """What was asked for; the last 28 days of everybody where it cannot be read."""
        if not self.is_valid():
            return Window(self.today - timedelta(days=DEFAULT_DAYS - 1), self.today)
        data = self.cleaned_data
        synthetic = {"real": False, "synthetic": True}.get(data["who"])
        if data["days"]:
            return Window(self.today - timedelta(days=int(data["days"]) - 1), self.today, data["device"], synthetic)
        return Window(data["since"], data["until"], data["device"], synthetic)
