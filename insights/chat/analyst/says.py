"""How a reading ends without a query: what is asked back, what is refused, and what can be asked instead."""

from __future__ import annotations

from collections.abc import Sequence

from insights.chat.reading import Choice, Clarify, Refuse
from insights.chat.tagging import Tagged
from insights.chat.vocabulary import Named, Vocabulary
from insights.semantic.model import Cube

MOST_CHOICES = 3
MOST_NAMED = 5


class Stop(Exception):
    """Ends the reading with an answer that is not a query."""

    def __init__(self, reading: Clarify | Refuse) -> None:
        super().__init__(reading.text)
        self.reading = reading


def listed(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def can_ask(vocabulary: Vocabulary) -> str:
    """What this caller can ask about, from the model itself."""
    labels = list(dict.fromkeys(measure.label for cube in vocabulary.cubes.values() for measure in cube.measures.values()))
    if not labels:
        return "There is nothing that you may ask about here."
    dimensions = [vocabulary.model.dimensions[name].plural for name in vocabulary.dimensions()]
    return (
        f"I can answer about {_few(labels)}, split by {_few(dimensions)} or over time, "
        'for periods such as yesterday, last week or since June. "What can I ask?" lists every figure.'
    )


def _few(names: Sequence[str]) -> str:
    """The first names of a list, which is how the model file puts what is asked most; a list of everything helps nobody."""
    return listed([*names[:MOST_NAMED], "more"] if len(names) > MOST_NAMED else names)


def refuse(text: str, kind: str = "unknown") -> Stop:
    return Stop(Refuse(text, kind))


def ask(text: str, choices: Sequence[Choice] = (), kind: str = "choice") -> Stop:
    return Stop(Clarify(text, tuple(choices[:MOST_CHOICES]), kind))


def measure_label(vocabulary: Vocabulary, name: str) -> str:
    return next((cube.measures[name].label for cube in vocabulary.cubes.values() if name in cube.measures), "")


def named_choices(tagged: Tagged, vocabulary: Vocabulary, near: Sequence[Named], first: int, last: int) -> tuple[Choice, ...]:
    return tuple(
        Choice(f"{vocabulary.model.dimensions[thing.dimension].label} {thing.name}", tagged.instead(first, last, f"{thing.dimension}#{thing.key}"))
        for thing in near[:MOST_CHOICES]
    )


def mixed(cube: Cube) -> list[str]:
    """The overview's measures, one of each unit first: a count, a share, money."""
    by_unit: dict[str, str] = {}
    for name in cube.overview:
        by_unit.setdefault(cube.measures[name].unit, name)
    return list(dict.fromkeys([*by_unit.values(), *cube.overview]))


def which_measure(
    vocabulary: Vocabulary, dimensions: Sequence[str], question: str, *, text: str = "By which figure?", form: str = "{question} by {label}"
) -> Stop:
    """Asks for the figure, offering those of the first cube that has all the dimensions."""
    fitting = [cube for cube in vocabulary.cubes.values() if cube.overview and set(dimensions) <= {*cube.dimensions, *cube.time_dimensions}]
    labels = [cube.measures[name].label for cube in fitting[:1] for name in mixed(cube)]
    return ask(text, [Choice(label, form.format(question=question, label=label)) for label in labels])
