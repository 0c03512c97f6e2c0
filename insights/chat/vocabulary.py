"""The words the built-in analyst knows: the semantic model's own, the names the caller may see, and a small grammar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from insights.semantic.access import Scope
from insights.semantic.model import Cube, SemanticModel

from . import dates
from .text import Token, stem, stems, words

# Words that carry no meaning of their own here. Nothing that negates, limits, foresees or commands may stand in this list.
_STOP_WORDS = """
a an the of for in on at to from is are was were be been being do does did have has had having get gets got getting i me my we us our you
your it its they their them there this that these those and or please show tell give list display find let see know want need what which who
whose how many much number count amount total overall all any each every by per with within during can could s so far just only also it's
what's whats i'd like hello hi hey thanks thank ok about across broken down split grouped group run ran running made make generated generate
achieved achieve received receive brought bring reached reach delivered deliver served serve saw seen come came respectively figure figures
value values data shown happened up ours called named as than - go went
"""
STOP = frozenset(_STOP_WORDS.split())  # fmt: skip
# English that must never be taken for a misspelt name or measure.
_PROTECTED_WORDS = """
will would shall should may might must when why where next then more less above below under without except exclude excluding not no never
but drop delete remove update insert table tables select alter create grant change changed increase decrease forecast predict prediction
expect expected lose lost miss missed gain gained cause caused because future year goal goals budget budgets target targets pace pacing plan
planned weather joke story poem write code email password user users people person viewer viewers name names address age gender stock price
prices today's love good bad great nice word world news time times hour minute second long short high low big small new old same other
another first worth after before since until while between against into onto here your mine these those every either neither both half
double average mean median percent percentage share ratio threshold least most house home life live lives place point part right left open
close closed start started stop stopped pause paused end ended begin began cancel send sent buy bought sell sold pay paid hire fire staff
team company business ignore previous instructions system prompt sleep union database schema column columns rows row sql query evening
morning noon night afternoon spring summer autumn fall winter season weekend weekday holiday christmas easter launch test happy think feel
believe should've advice advise suggest recommend improve better worse fix help
"""
PROTECTED = frozenset(_PROTECTED_WORDS.split())  # fmt: skip
QUESTION_WORDS = frozenset({"which", "what", "much", "many", "show", "give", "list"})
_COMMON = {stem(word) for word in STOP | PROTECTED | dates.VOCABULARY}
HIGHEST = frozenset({"highest", "most", "largest", "biggest", "greatest", "maximum", "max", "top", "leading"})
LOWEST = frozenset({"lowest", "least", "fewest", "smallest", "minimum", "min", "bottom"})
BEST, WORST = frozenset({"best", "strongest"}), frozenset({"worst", "weakest", "poorest"})
OPERATORS: dict[str, tuple[str, ...]] = {
    "highest": tuple(HIGHEST),
    "lowest": tuple(LOWEST),
    "best": tuple(BEST),
    "worst": tuple(WORST),
    "overview": ("doing", "performing", "performance", "perform", "performed", "overview", "summary", "summarise", "summarize", "going", "results"),
    "compare": ("compare", "compared", "comparing", "comparison", "versus", "vs", "against", "better", "more"),
    "trend": ("trend", "trends", "trending", "over time", "timeline", "evolution"),
    "breakdown": ("breakdown", "break down"),
    "help": ("help", "what can i ask", "what can you do", "what can you answer", "what do you know"),
}
GRAINS: dict[str, tuple[str, ...]] = {
    "hour": ("hourly", "by hour", "per hour", "each hour", "every hour", "by the hour", "which hour", "what hour"),
    "day": ("daily", "by day", "per day", "each day", "every day", "day by day", "by date", "per date", "which day", "what day", "a day"),
    "week": ("weekly", "by week", "per week", "each week", "every week", "week by week", "which week", "what week"),
    "month": ("monthly", "by month", "per month", "each month", "every month", "month by month", "which month", "what month"),
}


@dataclass(frozen=True)
class Meaning:
    """What a phrase stands for. ``kind``: measure, ambiguous, dimension, value, operator, grain. A value has a key and a name."""

    kind: str
    name: str
    key: int | str | None = None
    label: str = ""


@dataclass(frozen=True)
class Named:
    """A thing with a name: ``dimension`` and its key."""

    dimension: str
    key: int | str
    name: str

    @property
    def meaning(self) -> Meaning:
        return Meaning("value", self.dimension, self.key, self.name)


@dataclass
class Vocabulary:
    """Phrases by their stems. Built for one caller: only visible cubes and names within the caller's scope are in it."""

    model: SemanticModel
    cubes: dict[str, Cube]
    phrases: dict[tuple[str, ...], list[Meaning]] = field(default_factory=dict)
    names: dict[tuple[str, ...], list[Named]] = field(default_factory=dict)
    things: list[Named] = field(default_factory=list)
    model_words: set[str] = field(default_factory=set)
    name_words: set[str] = field(default_factory=set)

    def add(self, phrase: str, meaning: Meaning) -> None:
        found = self.phrases.setdefault(stems(phrase), [])
        if meaning not in found:
            found.append(meaning)
        self.model_words.update(words(phrase))

    def add_name(self, thing: Named) -> None:
        key = stems(thing.name)
        if key:
            self.names.setdefault(key, []).append(thing)
            self.things.append(thing)
            if self.model.dimensions[thing.dimension].by_part:
                self.name_words.update(word for word in words(thing.name) if word.isalpha())

    def dimensions(self) -> list[str]:
        return list(dict.fromkeys(name for cube in self.cubes.values() for name in cube.dimensions))

    def containing(self, wanted: Sequence[str]) -> list[Named]:
        """Things whose name holds all of the stems, among those that part of a name is enough for."""
        return [thing for thing in self.things if self.model.dimensions[thing.dimension].by_part and set(wanted) <= set(stems(thing.name))]

    def everyday(self, key: tuple[str, ...]) -> bool:
        """Whether these stems also say something without being a name."""
        return key in self.phrases or all(word in _COMMON for word in key)

    def kind_stems(self, dimension: str) -> set[str]:
        known = self.model.dimensions[dimension]
        return {stem(phrase.lower()) for phrase in (known.label, known.plural, *known.synonyms)}

    def knows(self, word: str) -> bool:
        known = STOP | PROTECTED | dates.VOCABULARY | self.model_words | self.name_words
        return word in known or stem(word) in {stem(other) for other in self.model_words | self.name_words}

    def repaired(self, token: Token) -> Token:
        """The token, or what it is a misspelling of, when exactly one known word is near enough."""
        word = token.word
        if len(word) < 3 or not word.isalpha() or self.knows(word):
            return token
        limit = 1 if len(word) < 10 else 2
        # The shorter the word, the more it could be: names need five letters, measures four, the calendar three.
        candidates = set(dates.VOCABULARY) | QUESTION_WORDS
        candidates |= self.model_words if len(word) > 3 else set()
        candidates |= {name for name in self.name_words if len(name) > 4} if len(word) > 4 else set()
        # Few slips hit the first letter: in a word of four, another first letter makes another word ("mars" is not "cars").
        candidates = {other for other in candidates if len(word) > 4 or other[:1] == word[:1]}
        near: dict[int, set[str]] = {}
        for other in candidates:
            if len(other) > 3 and (distance := OSA.distance(word, other, score_cutoff=limit)) <= limit:
                near.setdefault(distance, set()).add(stem(other))
        if not near or len(near[min(near)]) != 1:
            return token
        best = min(other for other in candidates if stem(other) in near[min(near)] and OSA.distance(word, other) == min(near))
        return Token(token.raw, best)

    def nearest(self, text: str, dimension: str | None = None, *, least: float = 72, limit: int = 3) -> list[Named]:
        things = [thing for thing in self.things if dimension is None or thing.dimension == dimension]
        found = process.extract(text, [thing.name.lower() for thing in things], scorer=fuzz.WRatio, score_cutoff=least, limit=limit)
        return [things[index] for _, _, index in found]


def build(model: SemanticModel, names: Mapping[str, Iterable[tuple[int | str, str]]], *, scope: Scope) -> Vocabulary:
    """``names`` gives the keys and names of each entity dimension as the caller may see them."""
    vocabulary = Vocabulary(model, {name: cube for name, cube in model.cubes.items() if scope.sees(cube)})
    for cube in vocabulary.cubes.values():
        for name, measure in cube.measures.items():
            for phrase in (measure.label, *measure.synonyms, name.replace("_", " ")):
                vocabulary.add(phrase, Meaning("measure", name))
    for word, choices in model.ambiguous.items():
        visible = [name for name in choices if any(name in cube.measures for cube in vocabulary.cubes.values())]
        if len(visible) > 1:
            vocabulary.add(word, Meaning("ambiguous", word))
    for name in vocabulary.dimensions():
        dimension = model.dimensions[name]
        for phrase in (dimension.label, dimension.plural, *dimension.synonyms):
            vocabulary.add(phrase, Meaning("dimension", name))
        for value, synonyms in dimension.values.items():
            for phrase in (value.replace("_", " "), *synonyms):
                vocabulary.add(phrase, Meaning("value", name, value, synonyms[0] if synonyms else value))
        for key, label in names.get(name, ()):
            vocabulary.add_name(Named(name, key, label))
    for kind, table in (("operator", OPERATORS), ("grain", GRAINS)):
        for name, phrases in table.items():
            for phrase in phrases:
                vocabulary.add(phrase, Meaning(kind, name))
    return vocabulary
