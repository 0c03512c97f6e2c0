"""The versions of every kind as the page tells them: who serves, who is on the way, and what became of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.db.models import Count

from adplatform.learning import stages, training
from adplatform.models import ModelVersion

from .glossary import HEADLINES, figure, in_order

# Of each kind; who holds an alias is told however old it is.
SHOWN = 10
LONGEST_VERDICT = 300
Alias, Status = ModelVersion.Alias, ModelVersion.Status
Row = Mapping[str, Any]

COLUMNS = (
    "pk", "kind", "number", "estimator", "alias", "status", "created_at", "trained_at", "data_from", "data_to", "train_rows", "test_rows",
    "synthetic_share", "traffic_share", "stage_since", "engine", "metrics", "gates", "verdict", "parent__number", "artifact",
    "parameters__bootstrap", "parameters__notes__layers", "card__truth_known",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """Its newest versions and every one that holds an alias, newest first; ``total`` counts all there ever were."""

    name: str
    rows: tuple[Row, ...]
    total: int

    def holding(self, alias: str) -> Row | None:
        return next((row for row in self.rows if row["alias"] == alias), None)

    def waiting(self) -> list[Row]:
        """In line behind the challenger, the next first."""
        return [row for row in self.rows if row["status"] == Status.SHADOW and not row["alias"]]


def kinds() -> list[Kind]:
    """Every kind that can be trained or ever was. Two queries, and one small indexed one for each kind."""
    totals = dict(ModelVersion.objects.order_by().values_list("kind").annotate(Count("pk")))
    held = list(ModelVersion.objects.exclude(alias="").values(*COLUMNS))
    return [_kind(name, held, totals.get(name, 0)) for name in in_order({*training.kinds(), *totals})]


def _kind(name: str, held: Sequence[Row], total: int) -> Kind:
    newest = list(ModelVersion.objects.filter(kind=name).order_by("-number").values(*COLUMNS)[:SHOWN]) if total else []
    known = {row["pk"] for row in newest}
    rows = [*newest, *(row for row in held if row["kind"] == name and row["pk"] not in known)]
    return Kind(name, tuple(sorted(rows, key=lambda row: -row["number"])), total)


def told(kind: Kind) -> dict[str, Any]:
    """JSON-ready: the history, and in full those that serve or are tested."""
    champion, challenger, previous = (kind.holding(alias) for alias in (Alias.CHAMPION, Alias.CHALLENGER, Alias.PREVIOUS))
    return {
        "champion": None if champion is None else in_full(champion),
        "challenger": None if challenger is None else in_full(challenger),
        "previous": None if previous is None else previous["number"],
        "waiting": [row["number"] for row in kind.waiting()],
        "by_steps": stages.source_for(kind.name) is not None,
        "total": kind.total,
        "history": [in_short(row) for row in kind.rows],
    }


def in_short(row: Row) -> dict[str, Any]:
    name = next((one for one in HEADLINES if one in row["metrics"]), None)
    verdict = row["verdict"]
    return {
        "id": row["pk"],
        "number": row["number"],
        "estimator": row["estimator"],
        "alias": row["alias"],
        "status": row["status"],
        "created_at": stamp(row["created_at"]),
        "trained_at": stamp(row["trained_at"]),
        "train_rows": row["train_rows"],
        "test_rows": row["test_rows"],
        "synthetic": row["synthetic_share"] if row["train_rows"] else None,
        "bootstrap": bool(row["parameters__bootstrap"]),
        "parent": row["parent__number"],
        "figure": None if name is None else metric(name, row["metrics"][name]),
        "gates": [[gate["name"], gate["verdict"]] for gate in row["gates"]],
        "verdict": verdict if len(verdict) <= LONGEST_VERDICT else f"{verdict[:LONGEST_VERDICT]}…",
        "layers": row["parameters__notes__layers"],
        "mark": mark(row),
    }


def in_full(row: Row) -> dict[str, Any]:
    return in_short(row) | {
        "verdict": row["verdict"],
        "data_from": stamp(row["data_from"]),
        "data_to": stamp(row["data_to"]),
        "engine": row["engine"],
        "stage_since": stamp(row["stage_since"]),
        "traffic_share": row["traffic_share"],
        "truth_known": row["card__truth_known"],
        "metrics": [metric(name, value) for name, value in row["metrics"].items()],
        "judged": [{"name": gate["name"], "verdict": gate["verdict"], "words": gate["words"]} for gate in row["gates"]],
    }


def metric(name: str, judged: Mapping[str, Any]) -> dict[str, Any]:
    """``closed`` is how much of the way from the baseline to the ceiling the value has gone, where the ceiling is known and lies beyond
    the baseline."""
    value, baseline, ceiling = judged.get("value"), judged.get("baseline"), judged.get("ceiling")
    about = figure(name)
    return {
        "name": name, "label": about.label, "better": about.better, "about": about.about, "value": value, "low": judged.get("ci_low"),
        "high": judged.get("ci_high"), "baseline": baseline, "ceiling": ceiling, "closed": _closed(about.better, value, baseline, ceiling),
    }  # fmt: skip


def _closed(better: str, value: float | None, baseline: float | None, ceiling: float | None) -> float | None:
    if value is None or baseline is None or ceiling is None or better not in ("lower", "higher"):
        return None
    way = ceiling - baseline
    return None if way == 0 or (way > 0) != (better == "higher") else round((value - baseline) / way, 4)


def mark(row: Row) -> str:
    """Changes whenever anything that a version's card tells has changed."""
    seen = (row["status"], row["alias"], row["traffic_share"], row["stage_since"], row["verdict"], row["metrics"], row["gates"])
    return blake2b(repr(seen).encode(), digest_size=6).hexdigest()


def stamp(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
