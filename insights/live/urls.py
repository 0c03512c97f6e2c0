from django.urls import URLPattern, URLResolver, include, path

from . import views
from .business.choices import choices_json
from .content import views as content

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.page, name="live"),
    path("choices.json", choices_json, name="live-choices"),
    path("snapshot.json", views.snapshot_json, name="live-snapshot"),
    path("experiments/", include("insights.live.experiments.urls")),
    path("models/", include("insights.live.models.urls")),
    path("titles/<slug:slug>/", content.title_page, name="live-title"),
    path("content/", content.content_page, name="live-content"),
]
