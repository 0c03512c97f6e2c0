from django.urls import URLPattern, URLResolver, include, path

from engagement.playback import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("engagement.site.urls")),
    path("api/v1/playback", views.open_playback, name="playback-open"),
    path("api/v1/playback/<uuid:session_id>/timeline", views.timeline_map, name="playback-timeline"),
    path("api/v1/playback/<uuid:session_id>/why/<uuid:decision>", views.why_this_ad, name="playback-why"),
    path("hls/<str:token>/master.m3u8", views.master_playlist, name="hls-master"),
    path("hls/<str:token>/media.m3u8", views.media_list, name="hls-media"),
]
