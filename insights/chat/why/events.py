"""What people and machines changed while a figure moved: candidates for a cause, from the audit trail. Never proof of one.

Which things the model speaks of is read from its entities; whose they are from the names that this caller's own role sees. So nobody is
told of a change to what they may not see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet

from adplatform.models import Experiment, ModelVersion
from insights.chat.context import Context
from insights.semantic import compiler
from insights.semantic.execute import run
from insights.semantic.loading import load
from insights.semantic.query import SemanticQuery

MOST_ROWS = 60
MOST_EVENTS = 12
# Bookkeeping that changes with every save says nothing about a cause.
SILENT_FIELDS = frozenset({"id", "created_at", "updated_at", "version", "history_id"})


@dataclass(frozen=True)
class Event:
    at: datetime
    what: str
    change: str
    who: str


def between(since: datetime, until: datetime, query: SemanticQuery, context: Context) -> tuple[Event, ...]:
    """The changes of ``[since, until)`` to what the query is about, latest first, at most MOST_EVENTS."""
    found = [event for name in context.model.entities() for event in _of_entity(name, since, until, query, context)]
    if context.scope.advertiser is None and context.model is load():
        found += [*_models(since, until), *_experiments(since, until)]
    unique = {(event.at, event.what, event.change): event for event in found}
    return tuple(sorted(unique.values(), key=lambda event: event.at, reverse=True)[:MOST_EVENTS])


def _of_entity(name: str, since: datetime, until: datetime, query: SemanticQuery, context: Context) -> Iterator[Event]:
    entity = context.model.dimensions[name].entity
    kept = next((model for model in apps.get_models() if entity and model._meta.db_table == entity.table), None)
    if entity is None or kept is None or not any(name in cube.dimensions for cube in context.model.cubes.values() if context.scope.sees(cube)):
        return
    visible = run(compiler.compile_names(entity, advertiser=context.scope.advertiser), model=context.model, scope=context.scope).values
    names = {str(row[0]): str(row[1]) for row in visible}
    about = _about(kept, query, context)
    if about is not None:
        wanted = {str(key) for key in kept._default_manager.filter(about).values_list(entity.key, flat=True)}
        names = {key: label for key, label in names.items() if key in wanted}
    if names:
        yield from _history(kept, name, names, since, until, context)
        yield from _logged(kept, name, names, since, until)


def _about(kept: type[Model], query: SemanticQuery, context: Context) -> Q | None:
    """What of a table the query's filters leave: its own rows, or those that point to them over at most two steps. None: all of it."""
    wanted: Q | None = None
    for part in query.filters:
        entity = context.model.dimensions[part.dimension].entity
        path = entity and _path(kept, entity.table, entity.key)
        if path:
            condition = Q(**{f"{path}__in": part.values})
            wanted = (wanted or Q()) & (condition if part.op == "in" else ~condition)
    return wanted


def _path(kept: type[Model], table: str, key: str, *, steps: int = 2) -> str | None:
    if kept._meta.db_table == table:
        return key
    for field in kept._meta.concrete_fields:
        target = field.related_model
        if steps and isinstance(target, type) and issubclass(target, Model) and (rest := _path(target, table, key, steps=steps - 1)):
            return f"{field.name}__{rest}"
    return None


def _history(kept: type[Model], kind: str, names: dict[str, str], since: datetime, until: datetime, context: Context) -> Iterator[Event]:
    trail: Any = getattr(kept, "history", None)
    if trail is None:
        return
    key = kept._meta.pk.name if kept._meta.pk else "id"
    rows: QuerySet[Any] = trail.filter(**{f"{key}__in": list(names)}, history_date__gte=since, history_date__lt=until)
    for row in rows.select_related("history_user").order_by("-history_date")[:MOST_ROWS]:
        who = row.history_user.get_username() if row.history_user else ""
        what = f"{kind} {names[str(getattr(row, key))]}"
        if row.history_type == "+":
            yield Event(row.history_date, what, "created", who)
        elif row.history_type == "~" and (before := row.prev_record) is not None:
            changed = [change for change in row.diff_against(before).changes if change.field not in SILENT_FIELDS]
            if changed:
                yield Event(row.history_date, what, "; ".join(_in_words(change, context.currency) for change in changed), who)


def _in_words(change: Any, currency: str) -> str:
    label = change.field.removesuffix("_micros").removesuffix("_id").replace("_", " ")
    if change.field.endswith("_micros") and all(isinstance(value, int) for value in (change.old, change.new)):
        return f"{label} from {change.old / 1e6:,.2f} to {change.new / 1e6:,.2f} {currency}"
    old, new = (str(value) for value in (change.old, change.new))
    return f"{label} from {old or 'nothing'} to {new or 'nothing'}" if len(old) + len(new) <= 80 else f"{label} changed"


def _logged(kept: type[Model], kind: str, names: dict[str, str], since: datetime, until: datetime) -> Iterator[Event]:
    """The admin's log, for what keeps no history of its own."""
    if getattr(kept, "history", None) is not None:
        return
    entries = _entries(kept, since, until).filter(object_id__in=list(names))
    for entry in entries[:MOST_ROWS]:
        yield Event(entry.action_time, f"{kind} {names[str(entry.object_id)]}", entry.get_change_message() or "changed", entry.user.get_username())


def _entries(kept: type[Model], since: datetime, until: datetime) -> QuerySet[LogEntry]:
    kind = ContentType.objects.get_for_model(kept)
    return LogEntry.objects.filter(content_type=kind, action_time__gte=since, action_time__lt=until).select_related("user").order_by("-action_time")


def _models(since: datetime, until: datetime) -> Iterator[Event]:
    serving = ModelVersion.objects.filter(stage_since__gte=since, stage_since__lt=until, status__in=("promoted", "canary"))
    for version in serving.order_by("-stage_since")[:MOST_ROWS]:
        if version.stage_since is not None:
            yield Event(version.stage_since, f"model {version.kind} v{version.number}", version.get_status_display(), "")
    for entry in _entries(ModelVersion, since, until)[:MOST_ROWS]:
        yield Event(entry.action_time, f"model {entry.object_repr}", entry.get_change_message() or "changed", entry.user.get_username())


def _experiments(since: datetime, until: datetime) -> Iterator[Event]:
    for one in Experiment.objects.filter(Q(started_at__gte=since, started_at__lt=until) | Q(stopped_at__gte=since, stopped_at__lt=until)):
        for at, word in ((one.started_at, "started"), (one.stopped_at, "stopped")):
            if at is not None and since <= at < until:
                yield Event(at, f"experiment {one.key}", word, "")
