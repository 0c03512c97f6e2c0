"""Django's check that the shipped semantic model fits the database; `manage.py check --database insights` runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks

from .semantic.execute import ALIAS


@checks.register(checks.Tags.database)
def the_semantic_model_fits(databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """Asked for by name alone: it plans hundreds of statements, which no other command should wait for."""
    from .semantic.check import misfits
    from .semantic.loading import SemanticModelError, load

    if ALIAS not in (databases or ()):
        return []
    try:
        problems = misfits(load())
    except SemanticModelError as error:
        problems = [str(error)]
    hint = "Change insights/semantic/intermission/ or the tables; `manage.py semantic_grant` after either."
    return [checks.Error(problem, hint=hint, id="insights.E001") for problem in problems]
