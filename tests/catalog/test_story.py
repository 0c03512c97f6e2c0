from __future__ import annotations

from itertools import islice, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import story
from catalog.story import StoryScene


@st.composite
def films(draw: st.DrawFn) -> list[StoryScene]:
    count = draw(st.integers(2, 6))
    scenes: list[StoryScene] = []
    for position in range(1, count + 1):
        middle = 1 < position < count
        optional = middle and draw(st.booleans())
        may_require = [s.id for s in scenes if optional or not s.optional] if position > 1 else []
        requires = draw(st.sets(st.sampled_from(may_require))) if may_require else set()
        scenes.append(StoryScene(id=position * 10, position=position, name=f"Scene {position}", requires=frozenset(requires), optional=optional))
    return draw(st.permutations(scenes))


def told_by_the_rules(scenes: list[StoryScene], order: list[int]) -> bool:
    """The rules once more, in the plainest words, to compare with."""
    by_id = {s.id: s for s in scenes}
    first = min(scenes, key=lambda s: s.position).id
    last = max(scenes, key=lambda s: s.position).id
    if order[0] != first or order[-1] != last or len(set(order)) != len(order):
        return False
    if any(not s.optional and s.id not in order for s in scenes):
        return False
    return all(by_id[scene].requires <= set(order[:at]) for at, scene in enumerate(order))


@given(films())
def test_the_graph_of_a_sound_film_passes_and_its_own_order_is_legal(scenes: list[StoryScene]) -> None:
    story.check(scenes)
    assert story.is_legal_order(scenes, story.author_order(scenes))
    assert story.is_legal_order(scenes, story.author_order(scenes, with_optional=False))


@given(films())
def test_legal_orders_are_exactly_those_the_rules_allow(scenes: list[StoryScene]) -> None:
    found = {tuple(order) for order in story.legal_orders(scenes)}
    ids = [s.id for s in scenes]
    allowed = {order for n in range(2, len(ids) + 1) for order in permutations(ids, n) if told_by_the_rules(scenes, list(order))}
    assert found == allowed


@given(films(), st.randoms(use_true_random=False))
def test_whoever_follows_legal_next_always_reaches_the_finale(scenes: list[StoryScene], random: object) -> None:
    played: list[int] = []
    while following := story.legal_next(scenes, played):
        played.append(random.choice(following))  # type: ignore[attr-defined]
        assert story.is_legal_order(scenes, story.author_order(scenes, played)) or played[-1] == max(scenes, key=lambda s: s.position).id
    assert story.is_legal_order(scenes, played)


def film(*scenes: StoryScene) -> list[StoryScene]:
    return list(scenes)


def test_a_circle_of_requirements_is_named() -> None:
    scenes = film(
        StoryScene(1, 1, "Harbour"),
        StoryScene(2, 2, "Letter", frozenset({3})),
        StoryScene(3, 3, "Answer", frozenset({2})),
        StoryScene(4, 4, "Farewell"),
    )
    with pytest.raises(story.StoryProblem, match=r"circle: (Letter > Answer > Letter|Answer > Letter > Answer)"):
        story.check(scenes)


@pytest.mark.parametrize(
    ("scenes", "words"),
    [
        ([], "no scenes"),
        (film(StoryScene(1, 1, "A", frozenset({9})), StoryScene(2, 2, "B")), "not in this film"),
        (film(StoryScene(1, 1, "A", optional=True), StoryScene(2, 2, "B")), "cannot be optional"),
        (film(StoryScene(1, 1, "A"), StoryScene(2, 2, "B", frozenset({3})), StoryScene(3, 3, "C"), StoryScene(4, 4, "D")), "comes later"),
        (film(StoryScene(1, 1, "A"), StoryScene(2, 2, "B", optional=True), StoryScene(3, 3, "C", frozenset({2}))), "optional B"),
        (film(StoryScene(1, 1, "A", frozenset({2})), StoryScene(2, 2, "B"), StoryScene(3, 3, "C")), "opens the film"),
        (film(StoryScene(1, 1, "A"), StoryScene(2, 2, "B", frozenset({3})), StoryScene(3, 3, "C")), "ends the film"),
    ],
)
def test_a_graph_that_cannot_be_told_is_refused_with_words(scenes: list[StoryScene], words: str) -> None:
    with pytest.raises(story.StoryProblem, match=words):
        story.check(scenes)


def test_a_wide_film_has_its_orders_one_at_a_time() -> None:
    scenes = [StoryScene(i, i) for i in range(1, 15)]
    assert len(list(islice(story.legal_orders(scenes), 1000))) == 1000
