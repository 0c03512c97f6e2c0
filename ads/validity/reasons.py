"""What each reason means, in words for staff: those of the checks and those the edge gives."""

from __future__ import annotations

REASONS: dict[str, str] = {
    "crawler": "Sent by a robot that names itself",
    "expired_token": "Sent with a token that had expired",
    "clock_skew": "Claims a time more than a day from its receipt",
    "unknown_flight": "Of a flight that does not exist",
    "future_time": "Claims a time that had not come when it was received",
    "late": "Happened more than a day before it was received",
    "other_user_agent": "Sent by another browser than the one the break was decided for",
    "viewer_rate": "More of them from one viewer within a minute than anybody can be shown",
    "address_rate": "More of them from one address within a minute than a large household can be shown",
    "faster_than_the_ad": "Reached sooner than the ad can play so far",
    "before_decision": "Happened before the ad was chosen",
    "click_without_impression": "A click on an ad that was not shown",
    "without_impression": "A part seen of an ad that was not shown",
    "before_impression": "Happened before the ad was shown",
    "click_too_fast": "A click sooner after the ad appeared than anybody can react",
    "viewable_too_soon": "Said to be in view sooner than two seconds of it could have been seen",
    "out_of_order": "A later part of the ad seen before an earlier one",
    "after_skip": "A part seen after the ad was skipped",
}
