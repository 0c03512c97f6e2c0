"""What is wrong with an experiment as it was typed, field by field, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import metrics
from .assignment import parse_arms
from .guardrails import parse_guardrails

MOST_ALPHA = 0.2


def wrong_with(*, arms: Any, metric: str, metrics: Any, guardrails: Any, alpha: float) -> Iterator[tuple[str, str]]:
    """(field, sentence) of each thing that is wrong. An empty ``metric`` is for drafts: `experiment_start` asks for one."""
    for name, words in (
        ("arms", _said(parse_arms, arms)),
        ("metric", _unknown([metric] if metric else [])),
        ("metrics", _unknown(metrics)),
        ("guardrails", _said(parse_guardrails, guardrails)),
    ):
        if words:
            yield name, words
    if not 0 < alpha <= MOST_ALPHA:
        yield "alpha", f"the chance of a false alarm must be above 0 and at most {MOST_ALPHA}, such as 0.05"
    if not _said(parse_guardrails, guardrails) and (words := _unknown([guard.metric for guard in parse_guardrails(guardrails)])):
        yield "guardrails", words


def _said(parse: Any, raw: Any) -> str:
    try:
        parse(raw)
    except ValueError as error:
        return str(error)
    return ""


def _unknown(names: Any) -> str:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return 'metrics must be a list of names, such as ["click_rate"]'
    return _said(lambda given: [metrics.metric_of(name) for name in given], names)
