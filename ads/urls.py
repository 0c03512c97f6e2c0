from django.urls import URLPattern, path

from . import api

urlpatterns: list[URLPattern] = [path("api/v1/decisions", api.decisions, name="decisions")]
