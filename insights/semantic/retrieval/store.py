"""Keeps the table of cards in step with the model, the names and the verified questions. Only what changed is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import structlog
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from numpy.typing import NDArray

from insights.chat.llm import embed
from insights.models import CatalogueCard
from insights.semantic.access import Scope
from insights.semantic.loading import load
from insights.semantic.model import SemanticModel

from .cards import Card, card, digest, model_cards, vectoriser, weights_digest
from .names import Thing, things
from .questions import question_cards
from .vectors import VERSION

log = structlog.get_logger(__name__)
# One refresh at a time: held to the end of its transaction, so that of two workers the second finds nothing left to do.
LOCK = "insights.catalogue"
BATCH = 500


@dataclass(frozen=True)
class Refreshed:
    written: int
    removed: int
    kept: int

    @property
    def words(self) -> str:
        return f"{self.written} cards written, {self.removed} removed, {self.kept} were as they should be"


def refresh(model: SemanticModel | None = None) -> Refreshed:
    """Safe to run twice and by two workers at once. With an endpoint for embeddings every card has a vector of its making as well."""
    model = model or load()
    weights = vectoriser(model)
    made = weights_digest(weights)
    with _alone():
        named = things(model)
        wanted = {one.ref: one for one in (*model_cards(model), *_names(model, named), *question_cards(model, named))}
        told = _write(model.name, VERSION, wanted, {ref: digest(one, made) for ref, one in wanted.items()}, weights.vector)
    if engine := endpoint_engine():
        _write_embedded(model.name, engine, wanted)
    CatalogueCard.objects.filter(source=model.name).exclude(engine__in=[VERSION, engine]).delete()
    if told.written or told.removed:
        log.info("catalogue_refreshed", source=model.name, written=told.written, removed=told.removed)
    return told


def endpoint_engine() -> str:
    """What cards with the endpoint's vectors are marked with; nothing where none is configured."""
    engine = embed.engine()
    return f"endpoint {engine}"[:80] if engine else ""


@contextmanager
def _alone() -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [LOCK])
        yield


def _write_embedded(source: str, engine: str, wanted: Mapping[str, Card]) -> None:
    """The endpoint is asked before anything is locked; when it fails, what is there stays and the next refresh asks again."""
    digests = {ref: digest(one, engine) for ref, one in wanted.items()}
    there = dict(CatalogueCard.objects.filter(source=source, engine=engine).values_list("ref", "digest"))
    missing = [ref for ref, hashed in digests.items() if there.get(ref) != hashed]
    vectors = embed.embed([wanted[ref].text for ref in missing])
    if vectors is None:
        return
    made = {wanted[ref].text: vector for ref, vector in zip(missing, vectors, strict=True)}
    with _alone():
        _write(source, engine, wanted, digests, made.get)


def _names(model: SemanticModel, named: Iterable[Thing]) -> Iterable[Card]:
    for thing in named:
        dimension = model.dimensions[thing.dimension]
        cubes = [name for name, cube in model.cubes.items() if thing.dimension in cube.dimensions]
        about = f"{dimension.label} of {', '.join(thing.within)}" if thing.within else dimension.label
        yield card("name", f"name:{thing.dimension}.{thing.key}", (thing.name,), (about,), cubes, advertiser=thing.owner, unscoped=thing.unscoped)


def _write(
    source: str, engine: str, wanted: Mapping[str, Card], digests: Mapping[str, str], vector: Callable[[str], NDArray[np.float32] | None]
) -> Refreshed:
    """A changed card is a new row: row ids only rise, by which a reader knows that what it has read is of before (`held`)."""
    there = dict(CatalogueCard.objects.filter(source=source, engine=engine).values_list("ref", "digest"))
    stale = [ref for ref, kept in there.items() if digests.get(ref) != kept]
    missing = [ref for ref in wanted if there.get(ref) != digests[ref]]
    if stale:
        CatalogueCard.objects.filter(source=source, engine=engine, ref__in=stale).delete()
    rows = [_row(source, engine, wanted[ref], digests[ref], made) for ref in missing if (made := vector(wanted[ref].text)) is not None]
    CatalogueCard.objects.bulk_create(rows, batch_size=BATCH)
    return Refreshed(len(rows), len(set(stale) - set(missing)), len(there) - len(stale))


def _row(source: str, engine: str, one: Card, hashed: str, vector: NDArray[np.float32]) -> CatalogueCard:
    return CatalogueCard(
        source=source,
        kind=one.kind,
        ref=one.ref,
        label=one.label,
        text=one.text,
        cubes=list(one.cubes),
        advertiser=one.advertiser,
        unscoped=one.unscoped,
        engine=engine,
        digest=hashed,
        vector=vector.tolist(),
    )


def visible(model: SemanticModel, scope: Scope, *, engine: str = VERSION) -> QuerySet[CatalogueCard]:
    """The cards this caller may see, decided here and in SQL: those of their cubes, and of their own advertiser or of nobody's."""
    cubes = [name for name, cube in model.cubes.items() if scope.sees(cube)]
    found = CatalogueCard.objects.filter(source=model.name, engine=engine, cubes__has_any_keys=cubes)
    if scope.advertiser is None:
        return found
    return found.filter(Q(advertiser__isnull=True) | Q(advertiser=scope.advertiser), unscoped=False)
