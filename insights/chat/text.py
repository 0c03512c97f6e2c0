"""Words of a question, and the normal forms they are compared in."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

MAX_QUESTION = 500
_TOKEN = re.compile(
    r"[a-z_]+#[\w-]+|\d{4}-\d{2}(?:-\d{2})?(?!\d)|\d{1,2}:\d{2}|\d+(?:st|nd|rd|th)\b|\d+(?:[.,]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*|[<>]=|[^\s\w]",
    re.UNICODE,
)
PUNCTUATION = frozenset("?!.,:;\"'()[]`")
_TYPOGRAPHY = str.maketrans(
    {
        0x2018: "'",
        0x2019: "'",
        0x00B4: "'",
        0x201C: '"',
        0x201D: '"',
        0x2013: "-",
        0x2014: "-",
        0x2026: ".",
    }
)
# Signs that stand for a word.
_SIGNS = {"&": "and", "+": "and"}


@dataclass(frozen=True)
class Token:
    """``raw`` as typed, ``word`` as understood (lower case, possessive dropped, a typo repaired)."""

    raw: str
    word: str

    @property
    def stem(self) -> str:
        return stem(self.word)


def clean(text: str) -> str:
    """Compatibility forms folded; control, format and bidirectional characters dropped; white space single."""
    folded = unicodedata.normalize("NFKC", text)
    visible = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in folded if unicodedata.category(char) != "Cf")
    return " ".join(visible.split())


def tokenize(question: str) -> list[Token]:
    tokens = []
    joined = re.sub(r"(?<=[^\W\d_])[-/](?=[^\W\d_])", " ", clean(question).lower().translate(_TYPOGRAPHY))
    for match in _TOKEN.finditer(joined):
        raw = match.group()
        if raw in PUNCTUATION:
            continue
        word = _SIGNS.get(raw) or re.sub(r"'s$|s'$", lambda found: "s" if found.group() == "s'" else "", raw).replace("'", "")
        tokens.append(Token(raw, word or raw))
    return tokens


@lru_cache(maxsize=50_000)
def words(text: str) -> tuple[str, ...]:
    """Kept, since the same names and phrases come with every question."""
    return tuple(token.word for token in tokenize(text))


@lru_cache(maxsize=50_000)
def stems(text: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in words(text))


# Forms of verbs that questions and synonyms share.
_FORMS = {
    "lost": "lose", "losing": "lose", "loses": "lose", "losses": "loss", "spent": "spend", "missed": "miss", "misses": "miss", "missing": "miss",
    "drove": "drive", "driving": "drive", "driven": "drive", "fell": "fall", "fallen": "fall", "rose": "rise", "risen": "rise",
}  # fmt: skip


def stem(word: str) -> str:
    """Singular enough to compare with: applied to both sides, so it need not be a word."""
    if word in _FORMS:
        return _FORMS[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def root(word: str) -> str:
    """What the forms of one verb share, and its noun in -ation: ``tighten`` and ``tightened``, ``calibrated`` and ``calibration``."""
    if word.endswith(("ation", "ations")):
        return word[: word.rindex("ion")]
    for ending in ("ing", "ed", "es", "e", "s"):
        if word.endswith(ending):
            return word[: -len(ending)]
    return word
