"""Which columns each table has, and how its rows are found and written: by names, through the services that every door uses."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import QuerySet
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.widgets import ForeignKeyWidget

from ads import services
from ads.models import Ad, Advertiser, Campaign, Flight
from ads.scope import visible_to
from catalog.models import MediaAsset, Title

from . import cells

IMPORTED = "Imported"


class Named(ForeignKeyWidget):  # type: ignore[misc]
    """The row of another table by its name, in a sentence where there is none."""

    def __init__(self, model: Any, field: str, what: str) -> None:
        super().__init__(model, field)
        self.what = what

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        name = str(value or "").strip()
        found = self.model.objects.filter(**{self.field: name}).first()
        if found is None:
            raise ValueError(f"There is no {self.what} “{name[:80]}”." if name else f"Say which {self.what} it belongs to.")
        return found


class Told(Field):  # type: ignore[misc]
    """A column that is only written: what a row did, and what other actions steer."""

    def __init__(self, column: str, told: Any) -> None:
        super().__init__(column_name=column, readonly=True)
        self.told = told

    def get_value(self, instance: Any) -> Any:
        try:
            return self.told(instance)
        except ObjectDoesNotExist:
            # A new row that is being read and does not belong to anything yet.
            return ""

    def export(self, instance: Any, **kwargs: Any) -> Any:
        return self.get_value(instance)


class Target(Field):  # type: ignore[misc]
    """A goal, whose cell depends on the kind of goal."""

    def __init__(self, attribute: str, column: str) -> None:
        super().__init__(attribute, column, widget=cells.Goal())

    def export(self, instance: Any, **kwargs: Any) -> Any:
        return self.widget.render(self.get_value(instance), instance)


class Table(ModelResource):  # type: ignore[misc]
    """A resource whose rows have names as keys. ``keys`` are the columns of it that must be there."""

    keys: tuple[str, ...] = ()
    related: tuple[str, ...] = ()

    def __init__(self, user: Any) -> None:
        super().__init__()
        self.user = user
        titles = dict(Title.objects.values_list("pk", "slug"))
        for field in self.fields.values():
            if isinstance(field.widget, cells.Targeting):
                field.widget.titles = titles

    @classmethod
    def columns(cls) -> list[str]:
        return [field.column_name for field in cls.fields.values()]

    def rows(self) -> QuerySet[Any]:
        return visible_to(self.user, self._meta.model._default_manager.all()).select_related(*self.related)

    def column_of(self, attribute: str) -> str:
        return next((field.column_name for field in self.fields.values() if field.attribute == attribute), "")

    def get_instance(self, instance_loader: Any, row: Any) -> Any:
        return self.find(row)

    def find(self, row: Any) -> Any:
        raise NotImplementedError

    def save_instance(self, instance: Any, is_create: bool, row: Any, **kwargs: Any) -> None:  # noqa: FBT001
        with transaction.atomic():
            if is_create:
                services.row_create(actor=self.user, row=instance, reason=IMPORTED)
                return
            stored = self.rows().get(pk=instance.pk)
            names = [field.attribute for field in self.get_import_fields() if field.attribute]
            changes = {name: getattr(instance, name) for name in names if getattr(instance, name) != getattr(stored, name)}
            services.row_update(actor=self.user, row=stored, changes=changes, reason=IMPORTED)

    class Meta:
        skip_unchanged = True
        report_skipped = True
        skip_html_diff = True
        use_transactions = True


def _plain(attribute: str, column: str) -> Field:
    return Field(attribute, column, widget=cells.Text())


class Advertisers(Table):
    keys = ("Advertiser",)
    name = _plain("name", "Advertiser")
    category = _plain("category", "Category")
    website = _plain("website", "Website")

    def find(self, row: Any) -> Any:
        return self.rows().filter(name=row.get("Advertiser", "")).first()

    class Meta(Table.Meta):
        model = Advertiser
        fields = ("name", "category", "website")
        import_id_fields = ("name",)


class Campaigns(Table):
    keys = ("Campaign",)
    related = ("advertiser",)
    advertiser = Field("advertiser", "Advertiser", widget=Named(Advertiser, "name", "advertiser"))
    name = _plain("name", "Campaign")
    state = Told("State", lambda campaign: campaign.get_state_display())
    currency = _plain("currency", "Currency")
    targeting = Field("targeting", "Targeting", widget=cells.Targeting())
    frequency_caps = Field("frequency_caps", "Frequency caps", widget=cells.Caps(scope="campaign"))
    notes = _plain("notes", "Notes")

    def find(self, row: Any) -> Any:
        return self.rows().filter(name=row.get("Campaign", "")).first()

    class Meta(Table.Meta):
        model = Campaign
        fields = ("advertiser", "name", "state", "currency", "targeting", "frequency_caps", "notes")
        import_id_fields = ("name",)


def _balance(name: str) -> Any:
    return lambda flight: getattr(getattr(flight, "balance", None), name, 0)


def _rate(part: str) -> Any:
    def rate(flight: Any) -> str:
        shown = _balance("impressions")(flight)
        return f"{_balance(part)(flight) / shown:.2%}" if shown else ""

    return rate


class Flights(Table):
    keys = ("Campaign", "Flight")
    related = ("campaign__advertiser", "balance")
    advertiser = Told("Advertiser", lambda flight: flight.campaign.advertiser.name)
    campaign = Field("campaign", "Campaign", widget=Named(Campaign, "name", "campaign"))
    name = _plain("name", "Flight")
    state = Told("State", lambda flight: flight.get_state_display())
    tier = Field("tier", "Tier", widget=cells.Choice(Flight.Tier.choices))
    share_of_voice = Field("share_of_voice", "Share of voice", widget=cells.Share())
    starts_at = Field("starts_at", "Starts (UTC)", widget=cells.Moment())
    ends_at = Field("ends_at", "Ends (UTC)", widget=cells.Moment())
    pricing = Field("pricing", "Pricing", widget=cells.Choice(Flight.Pricing.choices))
    bid_micros = Field("bid_micros", "Bid", widget=cells.Money())
    goal_type = Field("goal_type", cells.GOAL_TYPE, widget=cells.Choice(Flight.Goal.choices))
    goal_amount = Target("goal_amount", "Goal")
    daily_goal_amount = Target("daily_goal_amount", "Daily goal")
    budget_micros = Field("budget_micros", "Budget", widget=cells.Money())
    daily_budget_micros = Field("daily_budget_micros", "Daily budget", widget=cells.Money(optional=True))
    pacing = Field("pacing", "Pacing", widget=cells.Choice(Flight.Pacing.choices))
    priority = Field("priority", "Priority", widget=cells.Whole())
    targeting = Field("targeting", "Targeting", widget=cells.Targeting())
    frequency_caps = Field("frequency_caps", "Frequency caps", widget=cells.Caps(scope="flight"))
    strict_caps = Field("strict_caps", "Strict caps", widget=cells.YesNo())
    excluded_categories = Field("excluded_categories", "Keep away from", widget=cells.Words())
    exclusivity = Field("exclusivity", "Exclusivity", widget=cells.Choice(Flight.Exclusivity.choices))
    slot_position = Field("slot_position", "Slot", widget=cells.Choice(Flight.SlotPosition.choices))
    impressions = Told("Impressions", _balance("impressions"))
    completed_views = Told("Completed views", _balance("completed_views"))
    clicks = Told("Clicks", _balance("clicks"))
    spend = Told("Spend", lambda flight: cells.Money().render(_balance("booked_micros")(flight)))
    ctr = Told("CTR", _rate("clicks"))
    vcr = Told("VCR", _rate("completed_views"))

    def find(self, row: Any) -> Any:
        return self.rows().filter(campaign__name=row.get("Campaign", ""), name=row.get("Flight", "")).first()

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        # A goal is money or a count: where the file does not say, as it is stored.
        if "Goal" in row and cells.GOAL_TYPE not in row and (known := self.find(row)) is not None:
            row[cells.GOAL_TYPE] = known.goal_type

    class Meta(Table.Meta):
        model = Flight
        fields = (
            "advertiser", "campaign", "name", "state", "tier", "share_of_voice", "starts_at", "ends_at", "pricing", "bid_micros", "goal_type",
            "goal_amount", "daily_goal_amount", "budget_micros", "daily_budget_micros", "pacing", "priority", "targeting", "frequency_caps",
            "strict_caps", "excluded_categories", "exclusivity", "slot_position", "impressions", "completed_views", "clicks", "spend", "ctr", "vcr",
        )  # fmt: skip
        import_id_fields = ("campaign", "name")


class FlightOf(cells.Text):
    """The flight that a row's campaign and flight name together."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        campaign, name = (row or {}).get("Campaign", ""), str(value or "").strip()
        found = Flight.objects.filter(campaign__name=campaign, name=name).first()
        if found is None:
            raise ValueError(f"There is no flight “{name[:80]}” in a campaign “{campaign[:80]}”.")
        return found

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return str(value.name)


class Ads(Table):
    keys = ("Campaign", "Flight", "Ad")
    related = ("flight__campaign", "asset")
    campaign = Told("Campaign", lambda ad: ad.flight.campaign.name)
    flight = Field("flight", "Flight", widget=FlightOf())
    name = _plain("name", "Ad")
    asset = Field("asset", "Clip", widget=Named(MediaAsset, "key", "clip"))
    category = _plain("category", "Category")
    headline = _plain("headline", "Headline")
    click_through = _plain("click_through", "Click-through")
    skip_after = Field("skip_after", "Skip after (s)", widget=cells.Seconds())
    universal_ad_id = _plain("universal_ad_id", "Universal ad id")
    ad_id_registry = _plain("ad_id_registry", "Ad id registry")
    review = Told("Review", lambda ad: ad.get_review_display())
    review_note = Told("Review note", lambda ad: ad.review_note)

    def find(self, row: Any) -> Any:
        names = {"flight__campaign__name": row.get("Campaign", ""), "flight__name": row.get("Flight", ""), "name": row.get("Ad", "")}
        return self.rows().filter(**names).first()

    class Meta(Table.Meta):
        model = Ad
        fields = (
            "campaign", "flight", "name", "asset", "category", "headline", "click_through", "skip_after", "universal_ad_id", "ad_id_registry",
            "review", "review_note",
        )  # fmt: skip
        import_id_fields = ("flight", "name")


TABLES: dict[str, type[Table]] = {"advertiser": Advertisers, "campaign": Campaigns, "flight": Flights, "ad": Ads}
