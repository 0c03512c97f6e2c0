"""Forms of the viewer's pages."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache
from itertools import groupby
from typing import Any

from django import forms

from ads.countries import COUNTRIES
from catalog.models import Genre
from engagement.models import AgeBand, Device, Gender, Tier, Viewer

REGIONS = frozenset({"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"})
COLOURS = [
    ("#E8B04B", "Amber"),
    ("#3A86FF", "Blue"),
    ("#F25C54", "Coral"),
    ("#2FBF8F", "Green"),
    ("#B46CFF", "Violet"),
    ("#FF7096", "Pink"),
    ("#48CAE4", "Sky"),
    ("#9AA3B2", "Slate"),
]


Choices = list[tuple[str, Any]]


def countries() -> Choices:
    return [("", "Not said"), *((code, code) for code in COUNTRIES)]


@lru_cache(maxsize=1)
def zones() -> Choices:
    """The world's zones by region, as this machine knows them."""
    known = sorted(name for name in zoneinfo.available_timezones() if name.split("/")[0] in REGIONS and "/" in name)
    by_region = groupby(known, key=lambda name: name.split("/")[0])
    cities = [(region, [(name, name.split("/", 1)[1].replace("_", " ")) for name in names]) for region, names in by_region]
    return [("", "As this browser says"), ("UTC", "UTC"), *cities]


class ProfileForm(forms.Form):
    name = forms.CharField(max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Who is watching?"}))
    colour = forms.ChoiceField(choices=COLOURS, widget=forms.RadioSelect, initial="#3A86FF")
    age_band = forms.ChoiceField(choices=AgeBand.choices, required=False, label="Age")
    gender = forms.ChoiceField(choices=Gender.choices, required=False)
    tier = forms.ChoiceField(choices=Tier.choices, initial=Tier.ADS, label="Plan")
    monthly_hours = forms.FloatField(min_value=0, max_value=744, initial=10, label="Hours watched a month")
    country = forms.ChoiceField(choices=countries, required=False)
    timezone = forms.ChoiceField(choices=zones, required=False, label="Time zone")
    favourite_genres = forms.ModelMultipleChoiceField(
        queryset=Genre.objects.all(), required=False, widget=forms.CheckboxSelectMultiple, label="Favourite genres"
    )
    ads_consent = forms.BooleanField(required=False, label="Use this profile to choose my ads")

    @classmethod
    def of(cls, viewer: Viewer) -> ProfileForm:
        values: dict[str, Any] = {name: getattr(viewer, name) for name in cls.base_fields if name != "favourite_genres"}
        return cls(initial=values | {"favourite_genres": list(viewer.favourite_genres.all())})


class DemoForm(forms.Form):
    """What a viewer of a real installation would not choose: which device this is, and what time it is at home."""

    device = forms.ChoiceField(choices=[("", "This device"), *Device.choices], required=False)
    hour = forms.TypedChoiceField(
        choices=[("", "The real hour"), *((str(hour), f"{hour:02d}:00") for hour in range(24))],
        required=False,
        coerce=int,
        empty_value=None,
        label="Hour of day",
    )


class RatingForm(forms.Form):
    stars = forms.IntegerField(min_value=1, max_value=5)
