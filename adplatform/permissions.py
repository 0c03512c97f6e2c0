"""Who may do what: one declaration, from which groups are made, docs/permissions.md is checked and pages decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EXECUTIVE = "executive"
AD_OPS = "ad-ops"
AD_OPS_LEAD = "ad-ops-lead"
EDITOR = "editor"
READ_ONLY = "read-only"
ADVERTISER_MEMBER = "advertiser-member"
VIEWER = "viewer"

SELLING = (
    "ads.advertiser", "ads.campaign", "ads.flight", "ads.ad", "ads.adpolicy", "ads.creativefile", "ads.companion", "ads.adicon", "ads.adverification"
)  # fmt: skip
# What people of an advertiser read, of their own rows alone (`ads.scope`).
OWN = (
    "ads.advertiser", "ads.campaign", "ads.flight", "ads.ad", "ads.creativefile", "ads.companion", "ads.adicon", "ads.adverification",
    "ads.flightforecast",
)  # fmt: skip
HISTORY = (
    "ads.historicalcampaign", "ads.historicalflight", "ads.historicalad", "ads.historicaladpolicy", "ads.historicalcompanion",
    "ads.historicaladicon", "ads.historicaladverification",
)  # fmt: skip
BILLING = ("ads.flightbalance", "ads.flightforecast", "ads.decision", "ads.adevent", "ads.ledgerentry")
CONTENT = ("catalog.genre", "catalog.title", "catalog.scene", "catalog.mediaasset")
AUDIENCE = ("engagement.playbacksession", "engagement.directordecision", "engagement.rating", "engagement.churnscore")
LEARNING = (
    "adplatform.modelversion",
    "adplatform.modelreading",
    "adplatform.trainingrun",
    "adplatform.experiment",
    "adplatform.rollupstate",
    "adplatform.archivedday",
    "adplatform.deadevent",
)

FINDINGS = ("insights.insight",)
# Questions that were checked, and what people thought of answers.
ANSWERS = ("insights.verifiedquery", "insights.feedback")

# Letting an ad serve, and giving money back, take a second pair of eyes.
SIGNING_OFF = ("ads.approve_ad", "ads.refund_ledgerentry")

# Everybody sees that a finding was put aside, so it takes more than the right to read it.
DISMISSING = ("insights.dismiss_insight",)

# A verified question answers everybody who asks it.
VERIFYING = ("insights.verify_verifiedquery",)

# Live figures and the chat carry no viewer, so everyone who runs the business may read them.
LIVE_GROUPS = (EXECUTIVE, AD_OPS, AD_OPS_LEAD, READ_ONLY)
# What is watched, left and wanted, without what it earns.
CONTENT_GROUPS = (*LIVE_GROUPS, EDITOR)
ASK_GROUPS = (EXECUTIVE, AD_OPS, AD_OPS_LEAD, READ_ONLY)


@dataclass(frozen=True)
class GroupRights:
    """``staff`` opens /admin/. Billing rows are never changed or deleted by anyone, whatever stands here.

    ``may`` names rights of their own, as ``app.verb_model``.
    """

    staff: bool
    view: tuple[str, ...] = ()
    edit: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


GROUPS: dict[str, GroupRights] = {
    EXECUTIVE: GroupRights(staff=False, may=DISMISSING),
    AD_OPS: GroupRights(staff=True, view=BILLING + HISTORY + LEARNING + CONTENT + FINDINGS + ANSWERS, edit=SELLING, may=DISMISSING),
    AD_OPS_LEAD: GroupRights(
        staff=True, view=BILLING + HISTORY + CONTENT + FINDINGS, edit=(*SELLING, *LEARNING, *ANSWERS), may=SIGNING_OFF + DISMISSING + VERIFYING
    ),
    EDITOR: GroupRights(staff=True, view=AUDIENCE, edit=CONTENT),
    READ_ONLY: GroupRights(staff=True, view=SELLING + HISTORY + BILLING + CONTENT + AUDIENCE + LEARNING + FINDINGS + ANSWERS),
    ADVERTISER_MEMBER: GroupRights(staff=True, view=OWN),
    VIEWER: GroupRights(staff=False),
}


def codenames(rights: GroupRights) -> Iterable[tuple[str, str]]:
    """``(app label, codename)`` of every permission a group holds. Editing means view, add and change, never delete:
    what was sold, served or shown is ended, not removed."""
    for model in rights.view:
        app, name = model.split(".")
        yield app, f"view_{name}"
    for model in rights.edit:
        app, name = model.split(".")
        for action in ("view", "add", "change"):
            yield app, f"{action}_{name}"
    for right in rights.may:
        app, codename = right.split(".")
        yield app, codename
