from django.urls import URLPattern, path

from . import actions, pages

urlpatterns: list[URLPattern] = [
    path("", pages.experiments_page, name="live-experiments"),
    path("<str:key>/", pages.experiment_page, name="live-experiment"),
    path("<str:key>/ribbon.json", pages.ribbon_json, name="live-experiment-ribbon"),
    path("<str:key>/start/", actions.start, name="live-experiment-start"),
    path("<str:key>/stop/", actions.stop, name="live-experiment-stop"),
    path("<str:key>/roll-out/", actions.roll_out, name="live-experiment-roll-out"),
    path("<str:key>/take-back/", actions.take_back, name="live-experiment-take-back"),
]
