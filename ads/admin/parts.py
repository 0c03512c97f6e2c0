"""What stands beside an ad's clip in standard players: companions, icons, and who measures it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import URLField
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import StackedInline, TabularInline

from ads.creatives.pictures import TAKEN, redrawn
from ads.models import AdIcon, AdVerification, Companion

from . import show
from .kept import HttpsLinks

LARGEST_ICON = 400


class PictureForm(forms.ModelForm):  # type: ignore[type-arg]
    most_side: int | None = None

    def clean_picture(self) -> Any:
        picture = self.cleaned_data.get("picture")
        if not isinstance(picture, UploadedFile):
            return picture
        picture.seek(0)
        return redrawn(picture, most_side=self.most_side) if self.most_side else redrawn(picture)


class IconForm(PictureForm):
    most_side = LARGEST_ICON

    def clean_x_position(self) -> str:
        return self._place("x_position", ("left", "right"))

    def clean_y_position(self) -> str:
        return self._place("y_position", ("top", "bottom"))

    def _place(self, name: str, words: tuple[str, str]) -> str:
        value = str(self.cleaned_data[name]).strip().lower()
        if value not in words and not (value.isascii() and value.isdigit()):
            raise forms.ValidationError(f"Write {words[0]}, {words[1]} or a number of pixels.")
        return value


class VerificationForm(forms.ModelForm):  # type: ignore[type-arg]
    """Players refuse scripts and pixels that are not https on their https pages."""

    def clean_script(self) -> str:
        return self._https("script")

    def clean_not_executed(self) -> str:
        return self._https("not_executed")

    def _https(self, name: str) -> str:
        value = str(self.cleaned_data.get(name) or "")
        if value and not value.startswith("https://"):
            raise forms.ValidationError("The address must begin with https://.")
        return value


class _Part(HttpsLinks):
    extra = 0
    tab = True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A picture is taken off by whoever may put it there; its history stays.
        return self.has_change_permission(request, obj)  # type: ignore[attr-defined, no-any-return]

    @show.column("Picture now")
    def shown(self, row: Any) -> SafeString | str:
        if not row.pk or not row.picture:
            return "-"
        return format_html(
            '<img class="part-picture" src="{}" alt="{}" loading="lazy"><small>{}x{}</small>', row.picture.url, row.alt_text, row.width, row.height
        )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "picture" and field is not None:
            field.error_messages["invalid_image"] = f"This is no picture that can be opened. {TAKEN}"
            field.help_text = "PNG, JPEG, GIF or WebP, at most 2 MB. It is drawn anew, so nothing but its pixels is kept."
        if isinstance(db_field, URLField) and field is not None:
            field.widget.attrs.setdefault("placeholder", "https://")
        return field


class CompanionInline(_Part, TabularInline):  # type: ignore[misc]
    model = Companion
    form = PictureForm
    fields = ["shown", "picture", "click_through", "alt_text", "slot"]
    readonly_fields = ["shown"]


class IconInline(_Part, StackedInline):  # type: ignore[misc]
    model = AdIcon
    form = IconForm
    fields = [("shown", "picture"), ("program", "alt_text"), ("x_position", "y_position"), ("starts", "lasts"), "click_through"]
    readonly_fields = ["shown"]


class VerificationInline(_Part, StackedInline):  # type: ignore[misc]
    model = AdVerification
    form = VerificationForm
    fields = [("vendor", "api_framework"), "script", "not_executed", "parameters", "browser_optional"]
