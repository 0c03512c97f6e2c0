"""The language model as the pipeline sees it: it reads a question, or words an answer."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from insights.chat.context import Context
from insights.chat.grounding import Facts, Prose
from insights.chat.reading import Clarify, Refuse, Understood

from . import phrasing, planning
from .endpoint import Endpoint, Who
from .planning import Question


@dataclass(frozen=True)
class Assistant:
    """An OpenAI-compatible chat endpoint. An empty ``base_url`` is the client's own default; ``timeout`` is for one answer of it, in seconds.
    ``sees_rows``: whether the rows of an answer may be sent, without which it words none."""

    model: str
    api_key: str
    base_url: str = ""
    timeout: float = 8.0
    most_tokens: int = 1500
    sees_rows: bool = True

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.model, self.api_key, self.base_url, self.timeout, self.most_tokens)

    def plan(self, question: Question) -> Understood | Clarify | Refuse:
        """Raises PlanFailed."""
        return planning.plan(self.endpoint, question)

    def phrase(self, question: str, interpretation: str, facts: Facts, draft: str, context: Context) -> Prose:
        """The draft in the model's words, with its placeholders filled. Raises PhrasingFailed."""
        return phrasing.phrase(self.endpoint, question, interpretation, facts, draft, who=Who(context.user, context.now))


def configured() -> Assistant | None:
    """The endpoint of the settings, or None: then no language model is used and none is spoken of."""
    if not (settings.OPENAI_API_KEY or settings.INSIGHTS_LLM_BASE_URL):
        return None
    return Assistant(
        model=settings.INSIGHTS_LLM_MODEL,
        api_key=settings.OPENAI_API_KEY or "none",
        base_url=settings.INSIGHTS_LLM_BASE_URL,
        timeout=settings.INSIGHTS_LLM_TIMEOUT_SECONDS,
        most_tokens=settings.INSIGHTS_LLM_MOST_TOKENS,
        sees_rows=settings.INSIGHTS_LLM_ROWS != "none",
    )
