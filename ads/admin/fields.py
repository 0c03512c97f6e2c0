"""Form fields that speak the media planner's language and store ours: money in units, caps as lines, targeting as boxes to tick."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from ads.money import WrongAmount, read_amount, write_amount
from ads.terms import DIRECTIONS, KEYS, read_caps, readable, write_caps

# More choices than this are a list to pick from.
MOST_BOXES = 24
NUMBERS = frozenset({"titles", "dayparts", "weekdays"})


class MoneyField(forms.Field):
    """Entered and shown in units of currency, stored in micros."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"widget": UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "suffix": settings.CURRENCY}), **kwargs})

    def prepare_value(self, value: Any) -> Any:
        return write_amount(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> int | None:
        """Raises ValidationError in words."""
        if value in self.empty_values:
            return None
        if isinstance(value, int):
            return value
        try:
            return read_amount(str(value), currency=settings.CURRENCY)
        except WrongAmount as error:
            raise forms.ValidationError(str(error)) from error


class _OnceRead(forms.models.ModelChoiceIterator):  # type: ignore[type-arg]
    def __iter__(self) -> Any:
        yield ("", self.field.empty_label)
        yield from self.field.kept  # type: ignore[attr-defined]


class ClipField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A choice of clips read once, however many inline rows offer it."""

    iterator = _OnceRead

    def __init__(self, queryset: Any, **kwargs: Any) -> None:
        self.kept = [(clip.pk, f"{clip.key} ({clip.get_state_display().lower()})") for clip in queryset]
        super().__init__(queryset, **kwargs)


class ShareField(forms.Field):
    """Entered and shown in percent, stored as a fraction."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"widget": UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "suffix": "%"}), **kwargs})

    def prepare_value(self, value: Any) -> Any:
        return f"{round(100 * value, 4):g}" if isinstance(value, float) else value

    def to_python(self, value: Any) -> float | None:
        """Raises ValidationError in words."""
        if value in self.empty_values:
            return None
        try:
            percent = float(str(value).strip().removesuffix("%"))
        except ValueError:
            raise forms.ValidationError(f"“{value}” is no share; write it in percent, like 25.") from None
        if not 1 <= percent <= 100:
            raise forms.ValidationError("A share of voice is between 1 and 100 percent.")
        return percent / 100


class GoalField(forms.CharField):
    """A count, or an amount of money: the form reads it when it knows the kind."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "widget": UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}), **kwargs})


class CapsField(forms.Field):
    """Frequency caps, one a line; ``scope`` is what a line without one means."""

    def __init__(self, *, scope: str = "flight", **kwargs: Any) -> None:
        self.scope = scope
        super().__init__(required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "placeholder": "3 per day"}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return write_caps(value, scope=self.scope) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        """Raises ValidationError in words."""
        if isinstance(value, list):
            return value
        try:
            return read_caps(value or "", scope=self.scope)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class TargetingWidget(forms.Widget):
    """For each attribute whom to reach and whom not, folded away where nothing is chosen; nothing chosen means everybody."""

    def __init__(self, choices: dict[str, tuple[str, list[tuple[str | int, str]]]]) -> None:
        super().__init__()
        self.choices = choices

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = readable(value)
        keys = [self._key(name, key, label, options, chosen) for key, (label, options) in self.choices.items() if options]
        return render_to_string("ads/admin/targeting.html", {"keys": keys})

    def _key(self, name: str, key: str, label: str, options: list[tuple[str | int, str]], chosen: dict[str, Any]) -> dict[str, Any]:
        sides = []
        for direction, words in (("include", "Only"), ("exclude", "Not")):
            picked = chosen.get(direction, {}).get(key, [])
            sides.append(
                {
                    "name": f"{name}-{direction}-{key}",
                    "words": words,
                    "said": ", ".join(text for option, text in options if option in picked),
                    "options": [{"value": option, "label": text, "checked": option in picked} for option, text in options],
                }
            )
        return {"label": label, "sides": sides, "many": len(options) > MOST_BOXES, "open": any(side["said"] for side in sides)}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> dict[str, dict[str, list[str | int]]]:
        asked = {direction: {key: _typed(key, data.getlist(f"{name}-{direction}-{key}")) for key in KEYS} for direction in DIRECTIONS}
        found = {direction: {key: values for key, values in keys.items() if values} for direction, keys in asked.items()}
        return {direction: keys for direction, keys in found.items() if keys}

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


def _typed(key: str, values: list[str]) -> list[str | int]:
    return [int(value) if key in NUMBERS and value.isdigit() else value for value in values]


class TargetingField(forms.Field):
    def __init__(self, choices: dict[str, tuple[str, list[tuple[str | int, str]]]]) -> None:
        super().__init__(required=False, widget=TargetingWidget(choices), help_text="Nothing ticked in a row: everybody.")

    def has_changed(self, initial: Any, data: Any) -> bool:
        def tidy(value: Any) -> dict[tuple[str, str], set[Any]]:
            return {(direction, key): set(values) for direction, asked in readable(value).items() for key, values in asked.items() if values}

        return tidy(initial) != tidy(data)
