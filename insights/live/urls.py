from django.urls import URLPattern, URLResolver, include, path

from . import views
from .business.choices import choices_json

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.page, name="live"),
    path("choices.json", choices_json, name="live-choices"),
    path("snapshot.json", views.snapshot_json, name="live-snapshot"),
    path("experiments/", include("insights.live.experiments.urls")),
    path("models/", include("insights.live.models.urls")),
]
