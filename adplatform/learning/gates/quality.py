"""Whether the exported model is the fitted one, and whether it predicts at least as well as what serves now."""

from __future__ import annotations

import numpy as np

from ..metrics import Floats, Resampling, level, paired_difference
from .gate import FAIL, NOT_ENOUGH, PASS, Gate

PARITY = 1e-3
# A candidate may be this much worse in the leading figure, relative to the champion, and still count as no worse.
MARGIN = 0.01


def parity(native: Floats, exported: Floats, *, probabilities: bool = False) -> Gate:
    """The exported model answers as the fitted one did, to within 1e-3; ``probabilities`` must lie between 0 and 1."""
    apart = float(np.abs(native - exported).max()) if len(native) else 0.0
    figures = {"apart": apart, "allowed": PARITY}
    if not np.isfinite(exported).all():
        return Gate(
            "parity", FAIL, f"the exported model gives no number for {int((~np.isfinite(exported)).sum()):,} of {len(exported):,} rows", figures
        )
    if apart > PARITY:
        return Gate("parity", FAIL, f"the exported model differs from the fitted one by up to {apart:.2g}, allowed is {PARITY:g}", figures)
    if probabilities and len(exported) and (exported.min() < 0 or exported.max() > 1):
        words = f"the exported model answers from {exported.min():.3g} to {exported.max():.3g}, a probability lies between 0 and 1"
        return Gate("parity", FAIL, words, figures)
    return Gate("parity", PASS, f"the exported model answers as the fitted one, to within {apart:.1g}", figures)


def unreadable(reason: str) -> Gate:
    """What was stored cannot be loaded, or cannot read the rows it is for: nothing else can be asked of it."""
    return Gate("parity", FAIL, f"the exported model cannot answer for these rows: {reason}")


def quality(
    figure: str, title: str, labels: Floats, candidate: Floats, opponent: Floats, name: str, resampling: Resampling, *, allowance: float = MARGIN
) -> Gate:
    """Not worse than the opponent in ``figure`` (lower is better) by more than ``allowance`` of it, by a paired bootstrap over
    playback sessions."""
    value, low, high = paired_difference(figure, labels, candidate, opponent, resampling)
    of_opponent = level(figure, labels, opponent)
    margin = allowance * of_opponent
    figures = {"difference": value, "ci_low": low, "ci_high": high, "opponent": name, "opponent_value": of_opponent, "margin": margin}
    said = f"{title} {of_opponent + value:.4f} against {of_opponent:.4f} of {name}: {value:+.4f} (95 % {low:+.4f} to {high:+.4f})"
    if low > 0:
        return Gate("quality", FAIL, f"{said}, so it is worse", figures)
    if high < 0:
        return Gate("quality", PASS, f"{said}, so it is better", figures)
    if high <= margin:
        return Gate("quality", PASS, f"{said}, so it is no worse by more than {allowance:.0%}", figures)
    return Gate("quality", NOT_ENOUGH, f"{said}: not enough evidence to tell them apart", figures)
