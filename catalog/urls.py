from django.urls import URLPattern, path

from catalog import views

urlpatterns: list[URLPattern] = [path("media/<path:path>", views.media_file, name="media-file")]
