"""Profiles: pick one, make one, change one, delete one; and the demo controls."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from engagement import selectors, services
from engagement.models import Viewer

from . import current
from .forms import DemoForm, ProfileForm


def _owned(request: HttpRequest, pk: uuid.UUID) -> Viewer:
    owner = current.owner_of(request)
    return get_object_or_404(selectors.viewers_owned_by(account=owner.account, browser=owner.browser), pk=pk)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    hour = current.demo_hour(request)
    demo = DemoForm(initial={"device": current.demo_device(request), "hour": "" if hour is None else hour})
    context = current.shell(request, current.viewer_of(request)) | {"profiles": current.profiles_of(request), "demo": demo}
    return render(request, "engagement/profiles.html", context)


@require_POST
def pick(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    current.choose(request, _owned(request, pk))
    return redirect("browse")


@require_http_methods(["GET", "POST"])
def make(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        owner = current.owner_for_writing(request)
        try:
            viewer = services.viewer_create(actor=owner.account, browser=owner.browser, **form.cleaned_data)
        except services.TooManyProfiles as problem:
            form.add_error(None, str(problem))
        else:
            current.choose(request, viewer)
            return current.keep_cookie(request, redirect("browse"), owner)
    return _form_page(request, form, None)


@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    viewer = _owned(request, pk)
    form = ProfileForm(request.POST) if request.method == "POST" else ProfileForm.of(viewer)
    if request.method == "POST" and form.is_valid():
        services.viewer_update(viewer=viewer, **form.cleaned_data)
        return redirect("profiles")
    return _form_page(request, form, viewer)


def _form_page(request: HttpRequest, form: ProfileForm, edited: Viewer | None) -> HttpResponse:
    context = current.shell(request, current.viewer_of(request)) | {"form": form, "edited": edited}
    return render(request, "engagement/profile_form.html", context, status=400 if form.errors else 200)


@require_POST
def delete(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    viewer = _owned(request, pk)
    if request.session.get(current.SESSION_KEY) == str(viewer.pk):
        del request.session[current.SESSION_KEY]
    services.viewer_delete(viewer=viewer)
    return redirect("profiles")


@require_POST
def demo(request: HttpRequest) -> HttpResponse:
    form = DemoForm(request.POST)
    if not form.is_valid():
        return HttpResponse("device or hour is not one of the choices", status=400, content_type="text/plain")
    request.session[current.DEVICE_KEY] = form.cleaned_data["device"]
    request.session[current.HOUR_KEY] = form.cleaned_data["hour"]
    return redirect("profiles")
