"""Sign in, and on to the page of one's work."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import LoginView

# First match wins: somebody in two groups goes to the page of the wider one. Groups without a page of their own watch.
HOME_OF_GROUP = (
    ("executive", "/live/"),
    ("ad-ops-lead", "/admin/"),
    ("ad-ops", "/admin/"),
    ("editor", "/admin/"),
    ("read-only", "/admin/"),
)


def home_of(user: User | AnonymousUser) -> str:
    if user.is_superuser:
        return "/admin/"
    groups = set(user.groups.values_list("name", flat=True))
    return next((page for group, page in HOME_OF_GROUP if group in groups), "/")


class Login(LoginView):
    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        return home_of(self.request.user)
