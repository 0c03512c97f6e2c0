"""Which words of a text carry meaning for finding things, and how everyday English puts what a business calls otherwise."""

from __future__ import annotations

from collections.abc import Iterable

from insights.chat.text import stem, words

_EMPTY_WORDS = """
a an the of for in on at to from is are was were be been being do does did have has had having get gets got i me my we us our you your it its
they their them there this that these those and or please show tell give list display find let see know want need what which who whom whose
how many much any each every all by per with within during can could would should will so far just only also about as than if then when
where why not no one ones some such into onto out up down over under s t re ve ll
"""
EMPTY = frozenset(_EMPTY_WORDS.split())
# Said in questions -> said in catalogues. General English, nothing of this business: a business's own words are synonyms in its model.
ALIKE: dict[str, tuple[str, ...]] = {
    "often": ("rate",),
    "percentage": ("rate", "share"),
    "percent": ("rate", "share"),
    "proportion": ("share",),
    "fraction": ("share",),
    "fake": ("invalid",),
    "fraud": ("invalid",),
    "bogus": ("invalid",),
    "pay": ("charged", "spend"),
    "paid": ("charged", "spend"),
    "price": ("cost",),
    "expensive": ("cost",),
    "long": ("time",),
    "thousand": ("1,000",),
    "leave": ("exit",),
    "left": ("exit",),
    "abandon": ("exit",),
    "alter": ("change",),
    "modify": ("change",),
    "crashed": ("failed", "error"),
    "freeze": ("stall", "buffering"),
    "buffer": ("buffering",),
    "kind": ("genre",),
    "telly": ("television",),
    "full": ("filled",),
    "seen": ("impression",),
    "exposure": ("impression",),
    "shown": ("impression",),
    "finish": ("completed", "finished"),
    "end": ("completed", "finished"),
}


def root(word: str) -> str:
    """The word without its plural, ``-ing`` or ``-ed``, on both sides alike, so it need not be a word: steps 1a and 1b of Porter, "An
    algorithm for suffix stripping", Program 1980, without his later ones, which join words that mean different things."""
    base = stem(word)
    for ending in ("ing", "ed"):
        bare = base.removesuffix(ending)
        if bare != base and len(bare) >= 3 and any(char in "aeiouy" for char in bare):
            return bare[:-1] if bare[-1] == bare[-2] and bare[-1] not in "lsz" else bare.removesuffix("e")
    return base.removesuffix("e") if len(base) > 4 else base


def roots(text: str) -> tuple[str, ...]:
    """Of every word, also of those that carry no meaning."""
    return tuple(map(root, words(text)))


def content_stems(text: str) -> list[str]:
    """Roots of the words that carry meaning, in their order; a word said twice is there twice."""
    return [root(word) for word in words(text) if word not in EMPTY and any(char.isalnum() for char in word)]


_ALIKE_ROOTS = {root(said): tuple(map(root, others)) for said, others in ALIKE.items()}


def widened(stems: Iterable[str]) -> list[str]:
    """The stems, and after them what catalogues say instead."""
    said = list(dict.fromkeys(stems))
    return list(dict.fromkeys([*said, *(other for word in said for other in _ALIKE_ROOTS.get(word, ()))]))
