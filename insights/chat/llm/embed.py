"""Vectors of texts by the endpoint's own model, for finding what can be asked. Without one, or when it fails, the caller has vectors of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
from django.conf import settings
from django.core.cache import cache

from insights.models import CARD_DIMENSIONS

from .client import Failed, client, failure
from .redact import redacted
from .rest import Rest

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = structlog.get_logger(__name__)
BATCH = 128
MOST_TEXT = 2_000
# A question waits for its one vector; an index that is built has time.
SECONDS_A_BATCH = 10.0
REMEMBERED_SECONDS = 86_400
MOST_DIMENSIONS = 16_384


def engine() -> str:
    """The endpoint's model for embeddings, or nothing where none is configured."""
    configured = settings.INSIGHTS_LLM_EMBEDDING_MODEL if settings.OPENAI_API_KEY or settings.INSIGHTS_LLM_BASE_URL else ""
    return str(configured)


def problem() -> str | None:
    """Why the endpoint gives no vectors just now, where it failed a moment ago: what a trace shows."""
    return cache.get(f"llm:embedding:{_rest().name}") if engine() else None


def embed(texts: Sequence[str], *, timeout: float | None = None) -> NDArray[np.float32] | None:
    """float32 [len(texts), CARD_DIMENSIONS], each row of length 1; None where no model is configured, or it failed: see ``problem``.

    A model that cannot make vectors of that length has its own projected onto it by one fixed random matrix, which keeps angles
    (Johnson and Lindenstrauss 1984). ``timeout``: seconds for each batch.
    """
    if not engine() or not texts:
        return None if not engine() else np.zeros((0, CARD_DIMENSIONS), np.float32)
    rest, seconds = _rest(), timeout or min(settings.INSIGHTS_LLM_TIMEOUT_SECONDS, SECONDS_A_BATCH)
    if reason := rest.reason():
        _told(rest, reason)
        return None
    try:
        raw = np.concatenate([_batch(texts[first : first + BATCH], seconds=seconds, rest=rest) for first in range(0, len(texts), BATCH)])
    except Failed as failed:
        rest.failed(failed.reason, pause=failed.pause)
        _told(rest, failed.reason)
        return None
    except ValueError:  # batches of unlike lengths do not go together
        rest.failed("its vectors are of unlike lengths")
        _told(rest, "its vectors are of unlike lengths")
        return None
    rest.succeeded()
    return _unit(raw if raw.shape[1] == CARD_DIMENSIONS else raw @ _projection(raw.shape[1]))


def _rest() -> Rest:
    return Rest.of(settings.INSIGHTS_LLM_BASE_URL, f"embeddings {settings.INSIGHTS_LLM_EMBEDDING_MODEL}")


def _told(rest: Rest, reason: str) -> None:
    cache.set(f"llm:embedding:{rest.name}", reason, 60)
    log.warning("embedding_failed", model=settings.INSIGHTS_LLM_EMBEDDING_MODEL, reason=reason)


def _batch(texts: Sequence[str], *, seconds: float, rest: Rest) -> NDArray[np.float64]:
    """Asks for vectors of our length first; what refuses that is asked without, and remembered."""
    asked = [redacted(text, most=MOST_TEXT) or " " for text in texts]
    own_length = f"llm:embedding-length:{rest.name}"
    if cache.get(own_length) is None:
        try:
            return _vectors(asked, seconds=seconds, dimensions=CARD_DIMENSIONS)
        except Failed as failed:
            if failed.status not in (400, 422):
                raise
        cache.set(own_length, 1, REMEMBERED_SECONDS)
    return _vectors(asked, seconds=seconds)


def _vectors(texts: list[str], *, seconds: float, dimensions: int | None = None) -> NDArray[np.float64]:
    import openai

    limit = openai.Timeout(seconds, connect=min(seconds, 3.0))
    began = time.monotonic()
    try:
        made: Any = client(settings.INSIGHTS_LLM_BASE_URL, settings.OPENAI_API_KEY or "none").embeddings.create(
            model=settings.INSIGHTS_LLM_EMBEDDING_MODEL,
            input=texts,
            encoding_format="float",
            timeout=limit,
            **({"dimensions": dimensions} if dimensions else {}),  # type: ignore[arg-type]
        )
        placed = sorted(made.data, key=lambda item: item.index)
        vectors = np.asarray([item.embedding for item in placed], dtype=np.float64)
    except openai.OpenAIError as error:
        raise failure(error, seconds=seconds) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise Failed("its vectors cannot be read") from error
    if vectors.ndim != 2 or len(vectors) != len(texts) or not 1 <= vectors.shape[1] <= MOST_DIMENSIONS or not np.isfinite(vectors).all():
        raise Failed("its vectors cannot be read")
    log.debug("embedded", texts=len(texts), milliseconds=round(1000 * (time.monotonic() - began), 1))
    return vectors


@lru_cache(maxsize=2)
def _projection(length: int) -> NDArray[np.float64]:
    drawn: NDArray[np.float64] = np.random.default_rng(20_261_122).normal(size=(length, CARD_DIMENSIONS))
    return drawn / float(np.sqrt(CARD_DIMENSIONS))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths == 0, 1, lengths)).astype(np.float32)
