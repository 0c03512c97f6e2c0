from django.urls import URLPattern, path

from . import views

urlpatterns: list[URLPattern] = [
    path("", views.page, name="live"),
    path("snapshot.json", views.snapshot_json, name="live-snapshot"),
]
