"""Holds on budget, goal and frequency caps, in the event log's Redis: reserve at the decision, settle at the impression.

The counters are an estimate that keeps decisions from promising what is gone; the hard stop is the ledger's. All times
are arguments. When Redis has lost its counters (the marker is gone) they are rebuilt before the next decision.
"""

from .arms import Split, narrowed, splits_of
from .arms import write as write_arms
from .counters import STATE_READS, Counters, counters, parse_state, queue_state
from .holds import Prepared, Taken, capped_for_life, parse_known, reserve
from .keys import FORGET_SECONDS, HOLD_SECONDS, KEEP_BREAK_SECONDS, LEASE, READY, CountersLost, Served, break_key
from .rebuilding import Facts, Held, forget, rebuild
from .settling import ENDS_UNCHARGED, Operation, SeenAgain, release_all_unpublished, settle

__all__ = [
    "ENDS_UNCHARGED",
    "FORGET_SECONDS",
    "HOLD_SECONDS",
    "KEEP_BREAK_SECONDS",
    "LEASE",
    "READY",
    "STATE_READS",
    "Counters",
    "CountersLost",
    "Facts",
    "Held",
    "Operation",
    "Prepared",
    "SeenAgain",
    "Served",
    "Split",
    "Taken",
    "break_key",
    "capped_for_life",
    "counters",
    "forget",
    "narrowed",
    "parse_known",
    "parse_state",
    "queue_state",
    "rebuild",
    "release_all_unpublished",
    "reserve",
    "settle",
    "splits_of",
    "write_arms",
]  # fmt: skip
