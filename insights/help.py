"""The page that says what can be asked: the glossary of the semantic model, as far as its reader may see."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from .semantic.access import scope_of
from .semantic.glossary import glossary
from .semantic.loading import load

FORBIDDEN = "What can be asked is for those who may ask; an administrator can add you to a group that may."


@require_safe
@login_required
def what_can_be_asked(request: HttpRequest) -> HttpResponse:
    scope = scope_of(request.user)
    if scope is None:
        raise PermissionDenied(FORBIDDEN)
    model = load()
    subjects = glossary(model, scope)
    return render(
        request,
        "insights/help.html",
        {
            "model": model,
            "subjects": subjects,
            "figures": sum(len(subject.figures) for subject in subjects),
            "narrowed": scope.advertiser is not None,
        },
    )
