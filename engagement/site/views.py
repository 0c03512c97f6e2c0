"""Browse, title, search and watch pages: parse, ask, render."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Title
from engagement import selectors, services

from . import current, shelves
from .forms import RatingForm

LONGEST_QUERY = 80
SUGGESTIONS = 6


def _query(request: HttpRequest) -> str:
    # PostgreSQL has no character for NUL.
    return request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_QUERY]


@require_safe
def browse(request: HttpRequest) -> HttpResponse:
    viewer = current.viewer_of(request)
    query = _query(request)
    context = current.shell(request, viewer) | {"query": query}
    titles = shelves.published_titles()
    if query:
        names = sorted({genre.name for title in titles for genre in title.genres.all()})
        return render(request, "engagement/search.html", context | {"cards": shelves.search(query), "genre_names": names})
    favourites = [genre.name for genre in viewer.favourite_genres.all()] if viewer else []
    unfinished = selectors.unfinished_sessions(viewer) if viewer else []
    page = shelves.shelves(titles, unfinished=unfinished, favourites=favourites, today=timezone.now().date())
    return render(request, "engagement/browse.html", context | {"page": page})


@require_safe
def suggest(request: HttpRequest) -> JsonResponse:
    """What the search box offers while somebody types."""
    query = _query(request)
    cards = shelves.search(query)[:SUGGESTIONS] if query else []
    results = [
        {
            "name": card.title.name,
            "detail": " · ".join([*card.genres, str(card.title.year)]),
            "picture": card.card,
            "url": reverse("title", args=[card.title.slug]),
            "ready": card.ready,
        }
        for card in cards
    ]
    return JsonResponse({"query": query, "results": results})


@require_safe
def readiness(request: HttpRequest) -> JsonResponse:
    """Which titles can be played by now; pages that show one in preparation ask again."""
    return JsonResponse({"ready": [card.title.slug for card in map(shelves.card_of, shelves.published_titles()) if card.ready]})


def _card(slug: str) -> shelves.Card:
    return shelves.card_of(get_object_or_404(shelves.published_titles(), slug=slug))


@require_safe
def title(request: HttpRequest, slug: str) -> HttpResponse:
    """The title's page; with ``?part=detail`` only what the dialog on the browse page shows."""
    card = _card(slug)
    viewer = current.viewer_of(request)
    mean, ratings = selectors.rating_summary(card.title.pk)
    going = [session for session in selectors.unfinished_sessions(viewer) if session.title_id == card.title.pk] if viewer else []
    context = current.shell(request, viewer) | {
        "card": card,
        "mean": mean,
        "ratings": ratings,
        "stars_given": selectors.stars_given(viewer, card.title.pk),
        "star_choices": (1, 2, 3, 4, 5),
        "resume": going[0] if going else None,
        "alike": shelves.next_up(card, map(shelves.card_of, shelves.published_titles())),
    }
    part = request.GET.get("part") == "detail"
    return render(request, "engagement/_detail.html" if part else "engagement/title.html", context | {"in_dialog": part})


@require_POST
def rate(request: HttpRequest, slug: str) -> HttpResponse:
    rated = get_object_or_404(Title, slug=slug, published=True)
    form = RatingForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"problem": "Choose one to five stars"}, status=400)
    owner = current.owner_for_writing(request)
    viewer = current.viewer_of(request) or current.guest(request, owner)
    services.title_rate(viewer=viewer, title=rated, stars=form.cleaned_data["stars"], now=timezone.now())
    wants_json = "application/json" in request.headers.get("Accept", "")
    response: HttpResponse = JsonResponse({"stars": form.cleaned_data["stars"]}) if wants_json else redirect(_back(request, slug))
    return current.keep_cookie(request, response, owner)


def _back(request: HttpRequest, slug: str) -> str:
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return target
    return reverse("title", args=[slug])


@require_safe
def watch(request: HttpRequest, slug: str) -> HttpResponse:
    card = _card(slug)
    if not card.scenes:
        raise Http404("this title has no scenes")
    if not card.ready:
        return render(request, "engagement/preparing.html", current.shell(request, current.viewer_of(request)) | {"card": card}, status=503)
    owner = current.owner_for_writing(request)
    viewer = current.viewer_of(request) or current.guest(request, owner)
    going = [session for session in selectors.unfinished_sessions(viewer) if session.title_id == card.title.pk]
    resume = going[0] if going else None
    context = current.shell(request, viewer) | {
        "card": card,
        "currency": settings.CURRENCY,
        "director_panel": settings.DIRECTOR_PANEL,
        "resume": resume,
        "resume_scene": next((scene for scene in card.scenes if resume and scene.pk == resume.resume_scene), None),
        "next_up": shelves.next_up(card, map(shelves.card_of, shelves.published_titles())),
        "star_choices": (1, 2, 3, 4, 5),
        "stars_given": selectors.stars_given(viewer, card.title.pk),
    }
    response = render(request, "engagement/watch.html", context)
    response["Cache-Control"] = "no-store"
    return current.keep_cookie(request, response, owner)
