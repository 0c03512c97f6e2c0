from django.urls import URLPattern, URLResolver, include, path
from rest_framework.routers import SimpleRouter

from .api import decisions, rows, vast

# Addresses end as the others of /api/v1/ do: without a slash.
router = SimpleRouter(trailing_slash=False)
router.register("advertisers", rows.AdvertiserRows, basename="api-advertiser")
router.register("campaigns", rows.CampaignRows, basename="api-campaign")
router.register("flights", rows.FlightRows, basename="api-flight")
router.register("ads", rows.AdRows, basename="api-ad")
router.register("policies", rows.AdPolicyRows, basename="api-policy")

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/decisions", decisions.decisions, name="decisions"),
    path("api/v1/vast", vast.vast_document, name="vast"),
    path("api/v1/", include(router.urls)),
]
