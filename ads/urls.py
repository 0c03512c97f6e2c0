from django.urls import URLPattern, URLResolver, include, path
from rest_framework.routers import SimpleRouter

from .api import assetlist, decision_rows, errors, figures, forecasts, openrtb, rows, streams, supply, uploads, vast, vmap

# Addresses end as the others of /api/v1/ do: without a slash.
router = SimpleRouter(trailing_slash=False)
router.register("advertisers", rows.AdvertiserRows, basename="api-advertiser")
router.register("campaigns", rows.CampaignRows, basename="api-campaign")
router.register("flights", rows.FlightRows, basename="api-flight")
router.register("ads", rows.AdRows, basename="api-ad")
router.register("creatives", uploads.Creatives, basename="api-creative")
router.register("policies", rows.AdPolicyRows, basename="api-policy")

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/decisions", decision_rows.decisions_door, name="decisions"),
    path("api/v1/decisions/<uuid:decision>", decision_rows.DecisionOne.as_view(), name="api-decision"),
    path("api/v1/decisions/<uuid:decision>/events", decision_rows.DecisionFollowed.as_view(), name="api-decision-events"),
    path("api/v1/decisions/<uuid:decision>/replay", decision_rows.DecisionReplay.as_view(), name="api-decision-replay"),
    path("api/v1/errors", errors.Errors.as_view(), name="api-errors"),
    path("api/v1/reports/delivery", figures.DeliveryReport.as_view(), name="api-report-delivery"),
    path("api/v1/reports/reach", figures.ReachReport.as_view(), name="api-report-reach"),
    path("api/v1/reports/statements/<str:advertiser>/<str:month>", figures.StatementReport.as_view(), name="api-report-statement"),
    path("api/v1/forecast", forecasts.Forecasts.as_view(), name="api-forecast"),
    path("api/v1/vast", vast.vast_document, name="vast"),
    path("api/v1/openrtb2/auction", openrtb.auction, name="openrtb-auction"),
    path("api/v1/vmap/<str:title>", vmap.vmap_document, name="vmap"),
    path("api/v1/breaks/<str:event>/<str:signed>", vmap.break_event, name="break-event"),
    path("api/v1/assetlist", assetlist.asset_list_view, name="assetlist"),
    path("api/v1/streams/<str:title>/master.m3u8", streams.master, name="stream-master"),
    path("api/v1/streams/<str:title>/media.m3u8", streams.media, name="stream-media"),
    path("api/v1/", include(router.urls)),
    path("ads.txt", supply.ads_txt, name="ads-txt"),
    path("app-ads.txt", supply.ads_txt, name="app-ads-txt"),
    path("sellers.json", supply.sellers_json, name="sellers-json"),
]
