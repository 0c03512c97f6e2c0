"""Every threshold of the validity checks, in one place. Generous where people differ: a household that is wrongly refused is lost revenue."""

from __future__ import annotations

from datetime import timedelta

# Clocks of clients are set wrong by seconds; what lies further ahead of its receipt is made up.
MOST_AHEAD = timedelta(minutes=5)
# A player that was offline sends what it kept; tokens live as long.
LATEST = timedelta(hours=24)
# Nothing of an ad happens before it was decided. A corrected clock is right to seconds; the rest is for clocks that were set meanwhile.
BEFORE_DECISION = timedelta(minutes=5)

# A viewed part of an ad took at least this share of its length: players report a little early.
LEAST_SHARE_WATCHED = 0.8
# Two seconds on screen, the definition of IAB and MRC, less what two clocks of one player may be apart.
VIEWABLE_AFTER = timedelta(milliseconds=1750)
# Nobody sees an ad, understands it and clicks in less.
FASTEST_CLICK = timedelta(milliseconds=300)
# Two events of one player may be stamped in either order when they belong to the same moment, a quartile and a pixel of it by two clocks.
SAME_MOMENT = timedelta(milliseconds=250)

# Sliding minute of event time. A break of six ads of five seconds is the fastest that one viewer can be shown.
RATE_WINDOW = timedelta(minutes=1)
IMPRESSIONS_A_VIEWER = 24
CLICKS_A_VIEWER = 8
# One address is a household, a school or a town behind one gateway: twenty people who watch breaks at the same moment.
IMPRESSIONS_AN_ADDRESS = 240
CLICKS_AN_ADDRESS = 60

# How long after its receipt an event may still be joined by what belongs before it. The order of its slot is then judged for good.
WINDOW = timedelta(minutes=2)
