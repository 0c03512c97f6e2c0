"""What a candidate has to pass before it serves. Each gate answers pass, fail or not enough evidence, in words and figures.

A gate on sampled figures fails only when the whole interval lies outside its bounds: on few clicks a bad figure may be chance, and
so may a good one.
"""

from .calibration import calibration, calibration_of_groups, unbiased
from .data import Profile, data
from .gate import FAIL, NOT_ENOUGH, PASS, Gate
from .latency import JUDGED_ROWS as LATENCY_ROWS
from .latency import SLOWEST_MS, latency
from .quality import MARGIN, parity, quality, unreadable
from .value import SLOTS, Terms, value
from .verdict import Verdict, by_hand, judge, refused, told

__all__ = [
    "FAIL",
    "LATENCY_ROWS",
    "MARGIN",
    "NOT_ENOUGH",
    "PASS",
    "SLOTS",
    "SLOWEST_MS",
    "Gate",
    "Profile",
    "Terms",
    "Verdict",
    "by_hand",
    "calibration",
    "calibration_of_groups",
    "data",
    "judge",
    "latency",
    "parity",
    "quality",
    "refused",
    "told",
    "unbiased",
    "unreadable",
    "value",
]
