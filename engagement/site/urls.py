"""Pages of the player site."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from . import accounts, profiles, views

urlpatterns = [
    path("", views.browse, name="browse"),
    path("search/suggest/", views.suggest, name="search-suggest"),
    path("search/readiness/", views.readiness, name="readiness"),
    path("title/<slug:slug>/", views.title, name="title"),
    path("title/<slug:slug>/rate/", views.rate, name="title-rate"),
    path("watch/<slug:slug>/", views.watch, name="watch"),
    path("profiles/", profiles.index, name="profiles"),
    path("profiles/new/", profiles.make, name="profile-make"),
    path("profiles/demo/", profiles.demo, name="profile-demo"),
    path("profiles/<uuid:pk>/", profiles.change, name="profile-change"),
    path("profiles/<uuid:pk>/pick/", profiles.pick, name="profile-pick"),
    path("profiles/<uuid:pk>/delete/", profiles.delete, name="profile-delete"),
    path("accounts/login/", accounts.Login.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(next_page="/"), name="logout"),
]
