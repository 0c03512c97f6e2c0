from django.urls import path

from .api import PinnedView, PinsView, PinView, ScheduledView, SchedulesView, ScheduleView, SharedView, ShareView
from .views import board, shared

urlpatterns = [
    path("insights/board/", board, name="ask-board"),
    path("insights/shared/<slug:token>/", shared, name="ask-shared"),
    path("api/v1/ask/<int:message>/share", ShareView.as_view(), name="api-ask-share"),
    path("api/v1/ask/<int:message>/pin", PinView.as_view(), name="api-ask-pin"),
    path("api/v1/ask/<int:message>/schedule", ScheduleView.as_view(), name="api-ask-schedule"),
    path("api/v1/ask/shared/<slug:token>", SharedView.as_view(), name="api-ask-shared"),
    path("api/v1/ask/pins", PinsView.as_view(), name="api-ask-pins"),
    path("api/v1/ask/pins/<int:pin>", PinnedView.as_view(), name="api-ask-pinned"),
    path("api/v1/ask/schedules", SchedulesView.as_view(), name="api-ask-schedules"),
    path("api/v1/ask/schedules/<int:schedule>", ScheduledView.as_view(), name="api-ask-scheduled"),
]
