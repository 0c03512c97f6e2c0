"""The model and the rule of the first demo, as its paper tells them: a RandomForestClassifier fitted at start-up on 5,000 made-up rows,
and the ad with the highest predicted chance of a click is shown.

The paper tells the kind of model and that its rows are made up, but not its columns: here it sees what such a page knows, and of
everybody, consent or not. Its made-up labels say what one would guess of an audience. It never learns from what happened.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ads.decision.request import AdRequest
from ads.decision.state import Candidates, Ints

from .audience_world import CATEGORIES, EVENING, GENRES, Break, Floats, World

ROWS = 5_000
DEVICES = ("desktop", "mobile", "tablet", "tv")
GENDERS = ("female", "male", "other")
YEARS = {"18-24": 21, "25-34": 30, "35-44": 40, "45-54": 50, "55+": 62}
# What one would say goes together.
SUITS = {
    "automotive": ("thriller", "adventure"), "entertainment": ("comedy", "family"), "finance": ("drama", "mystery"),
    "food_drink": ("comedy", "romance"), "gaming": ("sci-fi", "thriller"), "retail": ("family", "romance"), "telecom": ("sci-fi", "mystery"),
    "travel": ("adventure", "drama"),
}  # fmt: skip
Context = tuple[int, int, int, int, int]


class FirstDemo:
    """Scores a day's breaks in one batch beforehand: asked one by one it takes tens of milliseconds each. Ads of one category have
    one score; the demo would show the first of them, here they take turns by lot."""

    def __init__(self, world: World, seed: int) -> None:
        from sklearn.ensemble import RandomForestClassifier

        self.world, self.rng = world, np.random.default_rng([seed, 40])
        rows, labels = made_up(np.random.default_rng(42))
        self.model = RandomForestClassifier(random_state=42, n_jobs=1).fit(rows, labels)
        self.known: dict[Context, Floats] = {}

    def before_day(self, breaks: Sequence[Break]) -> None:
        contexts = sorted({self._context(moment) for moment in breaks} - self.known.keys())
        if contexts:
            rows = np.array([(*context, category) for context in contexts for category in range(len(CATEGORIES))], dtype=np.float64)
            chances = self.model.predict_proba(rows)[:, 1].reshape(len(contexts), len(CATEGORIES))
            self.known |= dict(zip(contexts, chances, strict=True))

    def scores(self, moment: Break, request: AdRequest, asked: Candidates, seen: Ints) -> Floats:
        chances: Floats = self.known[self._context(moment)][self.world.ads.category[asked.rows]]
        return chances + 1e-9 * self.rng.random(len(chances))

    def _context(self, moment: Break) -> Context:
        person, film = self.world.persons[moment.person], self.world.films[moment.film]
        return (
            YEARS.get(person.age_band, 40), GENDERS.index(person.gender) if person.gender in GENDERS else 2,
            DEVICES.index(person.device) if person.device in DEVICES else 0, moment.hour, GENRES.index(film.genres[0]),
        )  # fmt: skip


def made_up(rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Rows of (years, gender, device, hour, genre, category of the ad), and whether somebody clicked."""
    rows = np.column_stack([
        rng.integers(18, 66, ROWS), rng.integers(0, len(GENDERS), ROWS), rng.integers(0, len(DEVICES), ROWS), rng.integers(0, 24, ROWS),
        rng.integers(0, len(GENRES), ROWS), rng.integers(0, len(CATEGORIES), ROWS),
    ]).astype(np.float64)  # fmt: skip
    suits = np.array([[genre in SUITS[category] for category in CATEGORIES] for genre in GENRES])
    chance = 0.05 + 0.10 * suits[rows[:, 4].astype(int), rows[:, 5].astype(int)] + 0.05 * (rows[:, 2] == DEVICES.index("mobile"))
    chance += 0.04 * (rows[:, 0] < 35) + 0.03 * ((rows[:, 3] >= EVENING[0]) & (rows[:, 3] <= EVENING[1]))
    return rows, (rng.random(ROWS) < chance).astype(np.int64)
