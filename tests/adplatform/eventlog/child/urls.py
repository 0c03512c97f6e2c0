"""No pages: the child process only consumes."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
