from django.urls import URLPattern, path

from . import views

urlpatterns: list[URLPattern] = [
    path("", views.page, name="live-insights"),
    path("<int:pk>/dismiss/", views.dismiss, name="insight-dismiss"),
    path("<int:pk>/restore/", views.restore, name="insight-restore"),
    path("<int:pk>/act/", views.act, name="insight-act"),
]
