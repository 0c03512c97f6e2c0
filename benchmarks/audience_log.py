"""Serves the traffic of an in-memory installation and keeps the log: what was shown, the features as they were served, what followed.

Counters are read as they would have been received: the outcomes of a pod are there when the pod is over and its batch has been
written. Features come from the product's own `ads.ctr.features`, eligibility from its targeting and caps, chance from its
exploration. Only the choice is a simpler one than the auction's: whoever scores highest, one ad of a category in a pod.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from adplatform.learning.hashed import sigmoid
from adplatform.learning.online import COUNTERS
from adplatform.learning.schema import Matrix
from adplatform.learning.training.dataset import Dataset
from ads.ctr import features
from ads.decision import auction, caps, exploration, targeting
from ads.decision.request import AdRequest
from ads.decision.state import Candidates, Ints
from engagement.segments import Habits, segments_of

from .audience_world import BEGIN, CATEGORIES, DAY, GENRES, VIEWABLE_SECONDS, Break, Film, Floats, World

# So often the counters of all ads are read anew; a busy installation's are never as old.
REFRESH_SECONDS = 300.0
# From the end of a pod until the batch with its events is written.
WRITTEN_AFTER = 5.0
EVENING_FROM, EVENING_UNTIL, SATURDAY = 20, 4, 5
IMPRESSION, CLICK, COMPLETE, SKIP = (COUNTERS.index(name) for name in ("impressions", "clicks", "completes", "skips"))


class Policy(Protocol):
    def scores(self, moment: Break, request: AdRequest, asked: Candidates, seen: Ints) -> Floats:
        """float64 [n candidates]: whoever scores highest is shown. ``seen`` [n] are the person's recent views of each campaign,
        for a policy that may know the truth."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """What one pod came to: rows of the ads, counters [ads, COUNTERS] to add to each."""

    moment: Break
    rows: Ints
    outcome: Floats


class Counters:
    """The online counters of every scope, in arrays; `rates` gives them as `ads.online_rates` does."""

    def __init__(self, world: World) -> None:
        inventory, width = world.ads.inventory, len(COUNTERS)
        self.world, self.width = world, width
        self.advertiser = np.unique(inventory.advertiser[inventory.ad_flight], return_inverse=True)[1]
        sizes = {"ad": len(inventory.ads), "campaign": world.ads.campaigns, "advertiser": int(self.advertiser.max()) + 1}
        self.of_ads = {name: np.zeros((size, width)) for name, size in sizes.items()}
        self.category = np.zeros((len(CATEGORIES), width))
        self.genre_category = np.zeros((len(GENRES), len(CATEGORIES), width))
        self.all = np.zeros((1, width))
        self.title = np.zeros((max(world.films) + 1, width))
        self.viewer = np.zeros((len(world.persons), width))
        self.read_at = float("-inf")
        self.waiting: list[tuple[float, int, Shown]] = []
        self.aligned: dict[str, Floats] = {}
        self.by_genre: dict[int, Floats] = {}

    def later(self, received: float, number: int, shown: Shown) -> None:
        heapq.heappush(self.waiting, (received, number, shown))

    def rates(self, moment: Break, film: Film, *, consent: bool) -> dict[str, Floats]:
        if moment.at - self.read_at >= REFRESH_SECONDS:
            self._refresh(moment.at)
        genre = self.world.genre[film.genres[0]]
        of_genre = self.by_genre.get(genre)
        if of_genre is None:
            of_genre = self.by_genre[genre] = np.asfortranarray(self.genre_category[genre][self.world.ads.category])
        viewer = self.viewer[moment.person] if consent else np.zeros(self.width)
        return {**self.aligned, "genre_category": of_genre, "title": self.title[film.id][None].copy(), "viewer": viewer[None].copy()}

    def _refresh(self, now: float) -> None:
        self.read_at = now
        while self.waiting and self.waiting[0][0] <= now:
            self._count(heapq.heappop(self.waiting)[2])
        ads = self.world.ads
        spread = {
            "ad": self.of_ads["ad"], "campaign": self.of_ads["campaign"][ads.campaign], "advertiser": self.of_ads["advertiser"][self.advertiser],
            "category": self.category[ads.category], "all": self.all,
        }  # fmt: skip
        self.aligned = {name: np.array(counts, order="F") for name, counts in spread.items()}
        self.by_genre = {}

    def _count(self, shown: Shown) -> None:
        ads, film = self.world.ads, self.world.films[shown.moment.film]
        genre = self.world.genre[film.genres[0]]
        for row, outcome in zip(shown.rows.tolist(), shown.outcome, strict=True):
            category = ads.category[row]
            self.of_ads["ad"][row] += outcome
            self.of_ads["campaign"][ads.campaign[row]] += outcome
            self.of_ads["advertiser"][self.advertiser[row]] += outcome
            self.category[category] += outcome
            self.genre_category[genre, category] += outcome
        total = shown.outcome.sum(axis=0)
        self.all[0] += total
        self.title[film.id] += total
        if self.world.persons[shown.moment.person].consent:
            self.viewer[shown.moment.person] += total


@dataclass
class _Viewer:
    """What one person was shown lately (ad rows, with when) and in this session, and the habits that segments follow from."""

    views: deque[tuple[float, int]] = field(default_factory=deque)
    session: Any = None
    stream: list[int] = field(default_factory=list)
    sessions: list[tuple[float, int, int, str]] = field(default_factory=list)
    segments: tuple[str, ...] | None = None
    sorted_on: int = -1


@dataclass
class Log:
    """One row a viewable impression: parts of features, and for each row label, truth, time, session, slot, advertiser and device.
    ``of_breaks`` has impressions and clicks of every break, in order."""

    features: list[Matrix] = field(default_factory=list)
    rows: list[tuple[float, float, float, str, int, int, str]] = field(default_factory=list)
    impressions: int = 0
    clicks: int = 0
    of_breaks: list[tuple[int, int]] = field(default_factory=list)

    def dataset(self) -> tuple[Dataset, Floats]:
        """(rows in order of time, the true probability of each)."""
        label, truth, at, session, _, advertiser, device = (np.array(column) for column in zip(*self.rows, strict=True))
        data = Dataset(
            features=np.vstack(self.features), labels=label.astype(np.float64), at=at, session=session, synthetic=np.ones(len(at), dtype=bool),
            groups={"advertiser": advertiser, "device": device},
        )  # fmt: skip
        return data, truth


class Station:
    """One installation that serves breaks by one policy and remembers. ``keeps`` says whether rows of features are logged, ``reads``
    whether there are counters at all: a policy that learns nothing needs neither."""

    def __init__(
        self, world: World, policy: Policy, *, seed: int, epsilon: float = exploration.EPSILON, keeps: bool = True, reads: bool = True
    ) -> None:
        self.world, self.policy, self.keeps, self.reads, self.epsilon = world, policy, keeps, reads, epsilon
        self.counters, self.log = Counters(world), Log()
        self.rng, self.fate = np.random.default_rng([seed, 20]), np.random.default_rng([seed, 21, 0])
        self.viewers = [_Viewer() for _ in world.persons]
        self.kept_for = max(world.ads.inventory.longest_cap, round(world.audience.clicking.weary_hours * 3600))
        self.served = 0

    def run(self, breaks: Sequence[Break]) -> None:
        """Serve these; later calls go on from there. What people do follows from the break's number, whatever
        they are shown and however the breaks are dealt out."""
        for moment, chance in zip(breaks, self.fate.random((len(breaks), 2, 4)), strict=True):
            self._serve(moment, chance)
            self.served += 1

    def _serve(self, moment: Break, chance: NDArray[np.float64]) -> None:
        world, film = self.world, self.world.films[moment.film]
        viewer, consent = self._remember(moment, film), world.persons[moment.person].consent
        recent = np.array([row for _, row in viewer.views], dtype=np.int64)
        known = recent if consent else np.array(viewer.stream, dtype=np.int64)
        request = self._request(moment, film, viewer)
        asked = self._candidates(moment, request, known, self.counters.rates(moment, film, consent=consent) if self.reads else {})
        weary = np.bincount(world.ads.campaign[recent], minlength=world.ads.campaigns)[world.ads.campaign]
        scores = self.policy.scores(moment, request, asked, weary[asked.rows])
        places = self._pod(asked, scores, film.most_ads)
        rows = asked.rows[places]
        slots = np.arange(len(rows))
        truth = sigmoid(world.click_logits(moment, rows, weary[rows], slots))
        self._outcome(moment, request, asked, places, truth, chance)
        viewer.stream += rows[: moment.viewed].tolist()
        viewer.views.extend((moment.at, row) for row in rows[: moment.viewed].tolist())

    def _remember(self, moment: Break, film: Film) -> _Viewer:
        viewer = self.viewers[moment.person]
        while viewer.views and viewer.views[0][0] <= moment.at - self.kept_for:
            viewer.views.popleft()
        if viewer.session != moment.session:
            viewer.session, viewer.stream = moment.session, []
            viewer.sessions.append((moment.at, moment.hour, moment.weekday, film.genres[0]))
        today = int(moment.at // DAY)
        if viewer.sorted_on != today and self.world.persons[moment.person].consent:
            viewer.sorted_on, viewer.segments = today, tuple(segments_of(self._habits(moment, viewer)))
        return viewer

    def _habits(self, moment: Break, viewer: _Viewer) -> Habits:
        """As sorted in the night before: of all sessions that began before this day, the last four weeks of them."""
        midnight = moment.at // DAY * DAY
        lately = [one for one in viewer.sessions if midnight - 28 * DAY <= one[0] < midnight]
        counts = self.counters.viewer[moment.person]
        by_day = np.unique([int(at // DAY) for at, *_ in lately], return_counts=True)[1]
        genres: dict[str, int] = {}
        for *_, genre in lately:
            genres[genre] = genres.get(genre, 0) + 1
        return Habits(
            days_known=(midnight - BEGIN.timestamp()) / DAY, sessions=len(lately), most_on_a_day=int(by_day.max(initial=0)),
            evening=sum(hour >= EVENING_FROM or hour < EVENING_UNTIL for _, hour, _, _ in lately),
            weekend=sum(weekday >= SATURDAY for _, _, weekday, _ in lately), impressions=int(counts[IMPRESSION]), completes=int(counts[COMPLETE]),
            clicks=int(counts[CLICK]), genres=genres,
        )  # fmt: skip

    def _request(self, moment: Break, film: Film, viewer: _Viewer) -> AdRequest:
        person, inventory = self.world.persons[moment.person], self.world.ads.inventory
        mood, intensity = film.scenes[max(0, moment.scene - 1)]
        flight = inventory.ad_flight
        seen = tuple(
            (int(inventory.ad_id[row]), int(inventory.flight_id[flight[row]]), int(inventory.campaign[flight[row]])) for row in viewer.stream
        )
        own: dict[str, Any] = {}
        if person.consent:
            own = {
                "viewer": person.id, "tier": person.tier, "age_band": person.age_band, "gender": person.gender,
                "monthly_hours": round(person.monthly_hours, 1), "favourite_genres": person.favourite_genres(), "segments": viewer.segments,
            }  # fmt: skip
        return AdRequest(
            session=moment.session, break_id=f"b{moment.index}", break_position="mid" if moment.scene else "pre", break_index=moment.index,
            duration=film.seconds, max_ads=film.most_ads, device=person.device, hour=moment.hour, weekday=moment.weekday, title=film.id,
            genres=film.genres, mood=mood, intensity=intensity, consent=person.consent, progress=moment.scene / len(film.scenes), ads_seen=seen,
            country=person.country, synthetic=True, **own,
        )  # fmt: skip

    def _candidates(self, moment: Break, request: AdRequest, known: Ints, rates: dict[str, Floats]) -> Candidates:
        """Whoever is targeted and under its caps; ``known`` are the ad rows that the installation remembers of this viewer."""
        ads, inventory = self.world.ads, self.world.ads.inventory
        seen_campaign = np.bincount(ads.campaign[known], minlength=ads.campaigns)[ads.campaign]
        seen_ad = np.bincount(known, minlength=len(ads.campaign))
        most, _ = caps.effective(inventory.flights[0].caps[0], consent=caps.counted(request))
        free = (targeting.first_failures(inventory, request, moment.at) == 0)[inventory.ad_flight] & (seen_campaign < most)
        rows = np.flatnonzero(free)
        return Candidates(inventory.lineup, rows, seen_ad[rows], seen_campaign[rows], rates)

    def _pod(self, asked: Candidates, scores: Floats, most: int) -> Ints:
        """Places of the pod's ads among the candidates, best first, after exploration."""
        category = self.world.ads.category[asked.rows]
        left, chosen = scores.copy(), []
        for _ in range(most):
            best = int(left.argmax()) if len(left) else -1
            if best < 0 or left[best] == -np.inf:
                break
            chosen.append(best)
            left[category == category[best]] = -np.inf
        if self.epsilon and chosen:
            of_pod = category[chosen]
            taken = np.bincount(of_pod, minlength=len(CATEGORIES)).astype(bool)[category]
            slots = [(slot, place, np.flatnonzero(~taken | (category == of_pod[slot]))) for slot, place in enumerate(chosen)]
            lot = exploration.draw(self.rng, slots=slots, epsilon=self.epsilon)
            if lot is not None:
                chosen[lot.slot] = lot.chosen
        return np.array(chosen, dtype=np.int64)

    def _outcome(self, moment: Break, request: AdRequest, asked: Candidates, places: Ints, truth: Floats, chance: Floats) -> None:
        world, rows = self.world, asked.rows[places]
        rule, mine = world.audience.skipping, world.interests_of(moment)
        viewed = min(moment.viewed, len(rows))
        clicked = chance[0, :viewed] < truth[:viewed]
        skipping = sigmoid(rule.base + rule.interest * mine[world.ads.category[rows[:viewed]]])
        skipped = world.ads.skippable[rows[:viewed]] & ~clicked & (chance[1, :viewed] < skipping)
        share = np.ones(viewed)
        if viewed == moment.viewed:
            share[-1] = moment.last_seen
        seconds = world.ads.inventory.ad_duration[rows[:viewed]] * share
        # Whoever clicks has seen it.
        viewable = clicked | (seconds >= VIEWABLE_SECONDS)
        outcome = np.zeros((viewed, len(COUNTERS)))
        outcome[:, IMPRESSION], outcome[:, CLICK], outcome[:, SKIP] = 1.0, clicked, skipped & (share == 1.0)
        outcome[:, COMPLETE] = (share == 1.0) & ~skipped
        if self.reads:
            ended = moment.at + float(seconds.sum()) + WRITTEN_AFTER
            self.counters.later(ended, self.served, Shown(moment, rows[:viewed], outcome))
        self.log.impressions += viewed
        self.log.clicks += int(clicked.sum())
        self.log.of_breaks.append((viewed, int(clicked.sum())))
        if not self.keeps:
            return
        kept = np.flatnonzero(viewable)
        if not len(kept):
            return
        table = features.build(request, asked.take(places[kept]))
        table[:, features.SCHEMA.index["pod_position"]] = kept
        self.log.features.append(table)
        inventory, session = world.ads.inventory, request.session.hex
        for slot in kept.tolist():
            advertiser = int(inventory.advertiser[inventory.ad_flight[rows[slot]]])
            self.log.rows.append((float(clicked[slot]), float(truth[slot]), moment.at, session, slot, advertiser, request.device))


# Who is shown


class ServingRule:
    """Revenue at the smoothed rates, as an auction without a model ranks; pacing lets each flight take part in a share of breaks."""

    def __init__(self, world: World, seed: int) -> None:
        self.rng = np.random.default_rng([seed, 30])
        self.flight = world.ads.inventory.ad_flight
        self.passing = self.rng.uniform(0.05, 0.6, len(world.ads.inventory.flights))

    def scores(self, moment: Break, request: AdRequest, asked: Candidates, seen: Ints) -> Floats:
        known = features.smooth(asked.lineup, asked.rates).columns
        value = auction.values(asked, known["ad_click_rate"][asked.rows], known["ad_completion_rate"][asked.rows])
        admitted = self.rng.random(len(self.passing)) < self.passing
        return np.where(admitted[self.flight[asked.rows]], value, -np.inf)


class Recorder:
    """Keeps what another policy was asked."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.asked: list[tuple[AdRequest, Candidates]] = []

    def scores(self, moment: Break, request: AdRequest, asked: Candidates, seen: Ints) -> Floats:
        self.asked.append((request, asked))
        return self.policy.scores(moment, request, asked, seen)
