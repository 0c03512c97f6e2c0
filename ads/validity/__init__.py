"""Whether a tracking event counts: one list of small named checks, judged on arrival and, where others have a say, when the window closes."""

from .checks import CHECKS, ORDERED, STAGES, Check, SlotFacts
from .judging import Verdict, judge, judge_for_good
from .limits import WINDOW
from .reasons import REASONS

__all__ = ["CHECKS", "ORDERED", "REASONS", "STAGES", "WINDOW", "Check", "SlotFacts", "Verdict", "judge", "judge_for_good"]
