"""Strategies: films with a precedence graph, and the ads a break may be filled with."""

from __future__ import annotations

import uuid

from hypothesis import strategies as st

from engagement.playback.plan import Clip, Plan, PlannedAd, PlannedScene, first_plan

segment_lists = st.lists(st.tuples(st.floats(0.5, 3.0), st.booleans()), min_size=1, max_size=5)


@st.composite
def clips(draw: st.DrawFn, key: str) -> Clip:
    listed = draw(segment_lists)
    segments = tuple((f"/media/{key}/{index}.m4s", seconds, kept or index == 0) for index, (seconds, kept) in enumerate(listed))
    return Clip(asset=1, key=key, init_uri=f"/media/{key}/init.mp4", segments=segments, captions=f"/media/{key}/captions.vtt")


@st.composite
def films(draw: st.DrawFn, *, fewest: int = 1, most: int = 9, lingering: bool = True) -> list[PlannedScene]:
    """Scenes whose requirements point backwards, as the author's own order must allow."""
    count = draw(st.integers(fewest, most))
    scenes: list[PlannedScene] = []
    for position in range(1, count + 1):
        optional = lingering and 1 < position < count and draw(st.integers(0, 3)) == 0
        earlier = [scene.id for scene in scenes if optional or not scene.optional]
        requires = draw(st.sets(st.sampled_from(earlier), max_size=2)) if position > 1 else set()
        scenes.append(
            PlannedScene(
                id=100 + position,
                position=position,
                name=f"Scene {position}",
                mood="calm",
                intensity=draw(st.floats(0, 1)),
                clip=draw(clips(f"s{position}")),
                requires=tuple(sorted(requires)),
                optional=optional,
                break_after=draw(st.booleans()),
            )
        )
    return scenes


@st.composite
def plans(draw: st.DrawFn, *, fewest: int = 1) -> Plan:
    return first_plan(draw(films(fewest=fewest)), change_budget=3, pre_roll=draw(st.booleans()), post_roll=draw(st.booleans()))


def ad_of(n: int, *, of: int = 1, decision: uuid.UUID | None = None, clip: Clip | None = None) -> PlannedAd:
    """The n-th ad of a break, of six seconds unless its clip is given."""
    own = Clip(asset=n, key=f"ad{n}", init_uri=f"/media/ad{n}/init.mp4", segments=((f"/media/ad{n}/0.m4s", 6.0, True),))
    return PlannedAd(
        decision=decision or uuid.UUID(int=1), slot=n - 1, ad=n, name=f"Ad {n}", flight=n, campaign=n, campaign_name="A campaign", advertiser_name="A brand", n=n,
        of=of, skip_after=5.0, click="https://example.com/", token=f"token-{n}", price_micros=1000, pctr=0.01, clip=clip or own,
    )  # fmt: skip


@st.composite
def pods(draw: st.DrawFn) -> list[PlannedAd]:
    decision = uuid.UUID(int=draw(st.integers(0, 2**128 - 1)))
    count = draw(st.integers(0, 2))
    return [ad_of(n, of=count, decision=decision, clip=draw(clips(f"ad{n}"))) for n in range(1, count + 1)]
