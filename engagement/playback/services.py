"""What a viewer asks of a running playback."""

from __future__ import annotations

from datetime import datetime

from adplatform.eventlog import ids, tokens
from adplatform.eventlog.envelope import Event, Position
from engagement.models import PlaybackSession

from .edits import as_edited
from .plan import position_at
from .publishing import State, change_plan


def film_as_edited(*, token: tokens.SessionToken, wanted: bool, t: float, now: datetime) -> tuple[State, Event | None]:
    """Let the rest of the film play as its author edited it, or let the Director work again. ``token`` says who asks, ``t`` is the playhead.

    Returns the plan and the event to log; None where nothing changed. Raises UnknownSession.
    """
    state = change_plan(token.session, lambda plan: as_edited(plan, wanted=wanted))
    PlaybackSession.objects.filter(pk=token.session).exclude(as_edited=wanted).update(as_edited=wanted)
    if not state.won:
        return state, None
    where = position_at(state.plan, t)
    return state, Event(
        id=ids.new_id(now), type="playback.as_edited", occurred_at=now, received_at=now, session=token.session, viewer=token.viewer,
        title=token.title, position=Position(*where) if where else None, plan_version=state.version, synthetic=token.synthetic,
        data={"on": wanted},
    )  # fmt: skip
