"""The ad's form: a clip that is there already, or a file to upload; and what is checked before anything is kept of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from unfold.forms import ActionForm
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from ads.creatives import services as creatives
from ads.ctr.features import CATEGORIES
from ads.models import Ad
from ads.services import audit, put_in_review, review_again

ACCEPT = ".mp4,.m4v,.mov,.webm,video/mp4,video/quicktime,video/webm"


class ReviewActionForm(ActionForm):  # type: ignore[misc]
    """Beside the choice of an action: why."""

    note = forms.CharField(
        required=False,
        max_length=300,
        label="",
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Note of the decision", "form": "changelist-form"}),
    )


def _categories(now: str) -> list[tuple[str, str]]:
    known = [*CATEGORIES, *([now] if now and now not in CATEGORIES else [])]
    return [("", "---------"), *((name, name.replace("_", " ").capitalize()) for name in known)]


class AdForm(forms.ModelForm):  # type: ignore[type-arg]
    """What was approved is what serves: a new clip, landing page or category has to be looked at again."""

    # Set on the class that the admin makes for each request.
    actor: Any = None
    file = forms.FileField(required=False, label="Upload a video", widget=UnfoldAdminFileFieldWidget(attrs={"accept": ACCEPT}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "file" in self.fields:
            most = creatives.megabytes(settings.CREATIVE_MOST_BYTES)
            self.fields["file"].help_text = (
                f"MP4, MOV or WebM, at most {settings.CREATIVE_LONGEST_SECONDS:.0f} s and {most}, any shape from 9:16 to 16:9. A new file goes to "
                "review again, and the ad does not serve until then."
            )
        for name, words in (("asset", "Or choose a clip that is there already"), ("universal_ad_id", "Empty: one of our own is made")):
            if name in self.fields:
                self.fields[name].required, self.fields[name].help_text = False, words
        if "asset" in self.fields:
            self.fields["asset"].label = "Clip"
        if "ad_id_registry" in self.fields:
            self.fields["ad_id_registry"].required = False
        if "category" in self.fields:
            self.fields["category"] = forms.ChoiceField(choices=_categories(self.instance.category), widget=UnfoldAdminSelectWidget)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > settings.CREATIVE_MOST_BYTES:
            raise forms.ValidationError(creatives.too_large(file.size).messages)
        return file

    def clean_universal_ad_id(self) -> str:
        return self.cleaned_data["universal_ad_id"] or self.instance.universal_ad_id or creatives.new_universal_id()

    def clean_ad_id_registry(self) -> str:
        return self.cleaned_data["ad_id_registry"] or "unknown"

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        file, asset = cleaned.get("file"), cleaned.get("asset")
        if file and asset and "asset" in self.changed_data:
            self.add_error("file", "Upload a file or choose a clip; an ad has one of both.")
        elif "asset" in self.fields and not file and not asset and "file" not in self.errors:
            self.add_error("file", "Choose a video file to upload, or a clip that is there already.")
        return cleaned

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001
        ad: Ad = self.instance
        if file := self.cleaned_data.get("file"):
            ad.asset = creatives.clip_upload(actor=self.actor, file=file, filename=file.name).asset
            creatives.begin_again(ad)
            audit(ad, self.actor, f"Uploaded {ad.asset.creative_file.name}"[:100])
        else:
            review_again(ad, self.changed_data)
        put_in_review(ad)
        return super().save(commit)
