from django.urls import URLPattern, path

from . import views

urlpatterns: list[URLPattern] = [
    path("", views.page, name="live-models"),
    path("versions/<int:pk>.json", views.version_json, name="live-model-version"),
    path("versions/<int:pk>/explain.json", views.explain_json, name="live-model-explain"),
    path("decisions.json", views.decisions_json, name="live-decisions"),
    path("decisions/<slug:log>/<uuid:pk>.json", views.decision_json, name="live-decision"),
    path("<slug:kind>/health.json", views.health_json, name="live-model-health"),
    path("<slug:kind>/roll-back", views.roll_back, name="live-model-roll-back"),
    path("<slug:kind>/stop-test", views.stop_test, name="live-model-stop-test"),
    path("<slug:kind>/train", views.train, name="live-model-train"),
]
