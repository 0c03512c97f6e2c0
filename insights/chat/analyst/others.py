"""Questions about the model itself (lists, definitions, help) and about goals."""

from __future__ import annotations

from insights.chat.grammar import BY
from insights.chat.tagging import Tagged
from insights.chat.vocabulary import Vocabulary
from insights.semantic.query import Having, Intent, Order, SemanticQuery

from . import build
from .frame import Frame
from .says import refuse


def catalogue(tagged: Tagged, vocabulary: Vocabulary) -> SemanticQuery | None:
    """A list, a definition or help; None where figures are asked for."""
    operators = tagged.operators()
    figures = [kind for kind in ("value", "period", "relative", "threshold", "grain", "cube") if tagged.of(kind)]
    if "help" in operators and not figures and not tagged.of("measure") and not tagged.of("dimension"):
        return SemanticQuery(intent="help")
    if not figures and (found := _defined(tagged, operators)):
        return found
    return _list(tagged, vocabulary, operators) if not figures else None


def _defined(tagged: Tagged, operators: set[str]) -> SemanticQuery | None:
    measures = list(dict.fromkeys(one.name for one in tagged.of("measure")))
    dimensions = list(dict.fromkeys(one.name for one in tagged.of("dimension")))
    asked = "define" in operators or ("why" in operators and not operators & {"change"} and _only_explain(tagged))
    asked = asked or ("difference" in operators and len(measures) > 1) or (len(operators) == 0 and _what_is(tagged))
    if not asked or operators & {"change", "trend", "compare", "share", "highest", "lowest", "best", "worst"}:
        return None
    if measures:
        return SemanticQuery(intent="define", measures=tuple(measures), subject=f"measure:{measures[0]}")
    if len(dimensions) == 1:
        return SemanticQuery(intent="define", subject=f"dimension:{dimensions[0]}")
    return None


def _only_explain(tagged: Tagged) -> bool:
    """``explain CTR``, not ``why CTR``."""
    return all(tagged.word(one.first).startswith("expla") for one in tagged.of("operator") if one.name == "why")


def _what_is(tagged: Tagged) -> bool:
    """``what is CTR``, ``what are gross impressions``: without ``our`` or ``the``, and of one figure alone."""
    words = [token.word for token in tagged.tokens]
    if words[:2] not in (["what", "is"], ["what", "are"], ["whats", "a"]) and words[:1] not in (["whats"], ["define"]):
        return False
    if words[:1] == ["what"] and tagged.tokens[0].raw == "what's":
        return False
    rest = words[2:] if words[0] == "what" else words[1:]
    if rest[:1] in (["a"], ["an"]):
        rest = rest[1:]
    subjects = [one for one in tagged.tags if one.kind in ("measure", "dimension")]
    return len(subjects) == 1 and len(tagged.tags) == 1 and subjects[0].last - subjects[0].first == len(rest) and (
        subjects[0].kind == "measure" or words[2:3] in (["a"], ["an"])
    )  # fmt: skip


def _list(tagged: Tagged, vocabulary: Vocabulary, operators: set[str]) -> SemanticQuery | None:
    """Only a kind of thing is named: its names are wanted."""
    dimensions = list(dict.fromkeys(one.name for one in tagged.of("dimension")))
    if len(dimensions) != 1 or tagged.of("measure") or tagged.of("ambiguous") or operators - {"list", "help"}:
        return None
    first = tagged.of("dimension")[0]
    before = tagged.before(first)
    if before in BY - {"which", "what"} or (len(tagged.tokens) == 1 and not tagged.word(0).endswith("s")):
        return None
    cube = next((name for name, cube in vocabulary.cubes.items() if dimensions[0] in build.places(cube)), "")
    intent: Intent = "list"
    return SemanticQuery(intent=intent, cube=cube, dimensions=tuple(dimensions))


def is_list(tagged: Tagged) -> bool:
    """``list my campaigns``, ``which genres are there``; ``which campaigns`` alone may split the figures of the question before."""
    words = {token.word for token in tagged.tokens}
    wanted = "list" in tagged.operators() or bool(words & {"my", "list", "many"}) or ("all" in words and bool(words & {"show", "give", "see", "are"}))
    others = [tag for tag in tagged.tags if tag.kind not in ("dimension", "operator", "filler")]
    return wanted and bool(tagged.of("dimension")) and not others and not tagged.operators() - {"list"}


MOST_BESIDE = 6


def paced(frame: Frame, tagged: Tagged) -> SemanticQuery:
    """Goals: what each row is expected to reach of its goal. Raises Stop."""
    del tagged
    found = next(((name, cube) for name, cube in frame.vocabulary.cubes.items() if cube.pacing), None)
    if found is None:
        raise refuse("Nothing that you may see here has goals, so I can't say what is on track.", "capability")
    name, cube = found
    assert cube.pacing is not None  # noqa: S101 - it was chosen for it
    frame.cube, frame.intent = name, "pacing"
    if not frame.measures:
        values = [name for name, measure in cube.measures.items() if measure.kind == "value" and name != cube.pacing]
        frame.measures = [cube.pacing, *values[:MOST_BESIDE]]
    if not frame.groups:
        frame.groups = list(cube.keys[:1]) or list(cube.dimensions)[:1]
    if "behind" in frame.operators:
        frame.having.append(Having(measure=cube.pacing, op="lt", value=cube.pacing_least))
    elif "ahead" in frame.operators:
        frame.having.append(Having(measure=cube.pacing, op="gt", value=1.0))
    frame.order = frame.order or Order(measure=cube.pacing, descending="ahead" in frame.operators)
    return build.query(frame)


__all__ = ["catalogue", "is_list", "paced"]
