"""Flight balances while a batch is booked: locked, charged in memory, written back by the conditional UPDATE that is the hard stop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ads.balances import Balance

COUNT_OF = {"impression": "impressions", "completed_view": "completed_views", "click": "clicks"}
COUNTS = ("impressions", "completed_views", "clicks")
_GOAL_COUNT = "CASE f.goal_type WHEN 'completed_views' THEN b.completed_views WHEN 'clicks' THEN b.clicks ELSE b.impressions END"
_LIMIT = "CASE WHEN f.goal_type = 'spend' THEN least(f.budget_micros, f.goal_amount) ELSE f.budget_micros END"
_DAILY = "CASE WHEN f.goal_type = 'spend' THEN least(f.daily_budget_micros, f.daily_goal_amount) ELSE f.daily_budget_micros END"
_ROW = (
    "b.flight_id, f.pricing, f.goal_type, f.goal_amount, f.daily_goal_amount, f.budget_micros, f.daily_budget_micros,"
    " b.booked_micros, b.day, b.day_booked_micros, b.day_delivered, b.impressions, b.completed_views, b.clicks, b.version"
)
_WRITE = f"""
    UPDATE ads_flightbalance b SET booked_micros = b.booked_micros + d.micros, version = b.version + 1, day = d.day,
        day_booked_micros = CASE WHEN b.day = d.day THEN b.day_booked_micros ELSE 0 END + d.day_micros,
        day_delivered = CASE WHEN b.day = d.day THEN b.day_delivered ELSE 0 END + d.day_delivered,
        impressions = b.impressions + d.impressions, completed_views = b.completed_views + d.views, clicks = b.clicks + d.clicks
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::date[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
        %s::bigint[]) AS d(flight, micros, goal_position, day, day_micros, day_delivered, day_position, impressions, views, clicks), ads_flight f
    WHERE b.flight_id = d.flight AND f.id = d.flight
        AND (d.micros = 0 OR b.booked_micros + d.micros <= {_LIMIT})
        AND (d.goal_position = 0 OR f.goal_amount IS NULL OR {_GOAL_COUNT} + d.goal_position <= f.goal_amount)
        AND (d.day_micros = 0 OR {_DAILY} IS NULL OR CASE WHEN b.day = d.day THEN b.day_booked_micros ELSE 0 END + d.day_micros <= {_DAILY})
        AND (d.day_position = 0 OR f.daily_goal_amount IS NULL
             OR CASE WHEN b.day = d.day THEN b.day_delivered ELSE 0 END + d.day_position <= f.daily_goal_amount)
    RETURNING {_ROW}"""  # noqa: S608
# What is booked on days before a balance's own, reversals taken off the day they give back.
_EARLIER = """
    SELECT e.flight_id, (e.booked_at AT TIME ZONE 'UTC')::date AS booked_on, sum(e.amount_micros + coalesce(r.amount_micros, 0))::bigint,
           count(*) FILTER (WHERE r.id IS NULL)
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS wanted(flight, since, until)
    JOIN ads_ledgerentry e ON e.flight_id = wanted.flight AND e.booked_at >= wanted.since AND e.booked_at < wanted.until AND e.kind <> 'reversal'
    LEFT JOIN ads_ledgerentry r ON r.decision = e.decision AND r.slot = e.slot AND r.kind = 'reversal'
    GROUP BY 1, 2"""


class OverBudget(RuntimeError):
    """The conditional update refused what was computed under its own lock: the batch must not be stored."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What was sold. ``goal_amount`` counts goal events or, when the goal is spend, micros; None: no such limit."""

    pricing: str
    goal_type: str
    goal_amount: int | None
    daily_goal_amount: int | None
    budget_micros: int
    daily_budget_micros: int | None

    @property
    def goal_count(self) -> str:
        """The count that is the goal's; a flight sold by spend is followed by its impressions."""
        return self.goal_type if self.goal_type in COUNTS else "impressions"

    @property
    def limit_micros(self) -> int:
        spend = self.goal_amount if self.goal_type == "spend" else None
        return self.budget_micros if spend is None else min(self.budget_micros, spend)

    @property
    def daily_limit_micros(self) -> int | None:
        limits = (self.daily_budget_micros, self.daily_goal_amount if self.goal_type == "spend" else None)
        return min((limit for limit in limits if limit is not None), default=None)


@dataclass(slots=True)
class Tally:
    """Micros booked and goal events delivered. ``goal_position`` is the number of goal events at the last charge of one."""

    micros: int = 0
    delivered: int = 0
    goal_position: int = 0


@dataclass(slots=True)
class Account:
    """A flight's balance while a batch is booked: ``before`` it and what the batch ``added``, in all and by UTC day."""

    flight: int
    terms: Terms
    before: Tally
    day: date | None
    before_days: dict[date, Tally]
    added: Tally = field(default_factory=Tally)
    added_days: defaultdict[date, Tally] = field(default_factory=lambda: defaultdict(Tally))
    added_counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    settled: Balance | None = None

    def charge(self, kind: str, price_micros: int, day: date) -> tuple[int, str]:
        """What one event is charged: (amount, reason); the amount is 0 with the reason when the flight has nothing left."""
        sold, today, before_today = self.terms, self.added_days[day], self.before_days.get(day, Tally())
        of_goal = COUNT_OF[kind] == sold.goal_type
        if of_goal and sold.goal_amount is not None and self.before.delivered + self.added.delivered >= sold.goal_amount:
            return 0, "over_goal"
        if self.before.micros + self.added.micros + price_micros > sold.limit_micros:
            return 0, "over_budget"
        if of_goal and sold.daily_goal_amount is not None and before_today.delivered + today.delivered >= sold.daily_goal_amount:
            return 0, "over_daily_goal"
        if sold.daily_limit_micros is not None and before_today.micros + today.micros + price_micros > sold.daily_limit_micros:
            return 0, "over_daily_budget"
        for tally in (self.added, today):
            tally.micros += price_micros
            tally.goal_position = tally.delivered + 1 if of_goal else tally.goal_position
        return price_micros, ""

    def count(self, kind: str, day: date, *, times: int = 1) -> None:
        self.added_counts[COUNT_OF[kind]] += times
        if COUNT_OF[kind] == self.terms.goal_count:
            self.added.delivered += times
            self.added_days[day].delivered += times

    def take_back(self, kind: str, amount: int, day: date) -> None:
        """Undo what this batch charged and counted for an event that had been booked before."""
        self.added.micros -= amount
        self.added_days[day].micros -= amount
        self.count(kind, day, times=-1)

    def balance(self) -> Balance:
        """As written back. Only after `write`."""
        if self.settled is None:
            raise OverBudget(f"flight {self.flight} has no balance yet")
        return self.settled


def utc_day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def lock(cursor: Any, days: Iterable[tuple[int, date]]) -> dict[int, Account]:
    """The balances of the flights in ``days`` (flight, UTC day of a charge), locked in ascending order so that two
    consumers cannot wait for each other."""
    wanted = set(days)
    flights = sorted({flight for flight, _ in wanted})
    cursor.execute(
        "INSERT INTO ads_flightbalance (flight_id, booked_micros, impressions, completed_views, clicks, day_booked_micros)"
        " SELECT f.id, 0, 0, 0, 0, 0 FROM ads_flight f LEFT JOIN ads_flightbalance b ON b.flight_id = f.id"
        " WHERE f.id = ANY(%s) AND b.flight_id IS NULL ON CONFLICT DO NOTHING",
        [flights],
    )
    cursor.execute("SELECT 1 FROM ads_flightbalance WHERE flight_id = ANY(%s) ORDER BY flight_id FOR UPDATE", [flights])
    # A statement of its own: what was sold may have changed while the lock was waited for, and a locking query would tell the old terms.
    cursor.execute(
        f"SELECT {_ROW} FROM ads_flightbalance b JOIN ads_flight f ON f.id = b.flight_id WHERE b.flight_id = ANY(%s)",  # noqa: S608
        [flights],
    )
    accounts = {row[0]: _account(row) for row in cursor.fetchall()}
    _add_earlier_days(cursor, accounts, wanted)
    return accounts


def _account(row: Sequence[Any]) -> Account:
    flight, *terms, booked, day, day_booked, day_delivered, impressions, completed_views, clicks, _ = row
    sold = Terms(*terms)
    counts = dict(zip(COUNTS, (impressions, completed_views, clicks), strict=True))
    return Account(flight, sold, Tally(booked, counts[sold.goal_count]), day, {day: Tally(day_booked, day_delivered)} if day else {})


def _add_earlier_days(cursor: Any, accounts: dict[int, Account], days: Iterable[tuple[int, date]]) -> None:
    """A balance keeps its latest day alone; a charge of a day before it, told late, is held against what the ledger has of that day."""
    missing = []
    for flight, day in days:
        account = accounts.get(flight)
        if account is not None and account.day is not None and day < account.day:
            account.before_days[day] = Tally()
            start = datetime.combine(day, time(), UTC)
            missing.append((flight, start, start + timedelta(days=1)))
    if missing:
        cursor.execute(_EARLIER, [list(column) for column in zip(*missing, strict=True)])
        for flight, day, micros, events in cursor.fetchall():
            accounts[flight].before_days[day] = Tally(micros, events)


# What a day delivered is told by the ledger where the goal is what is charged, else by the figures of what was valid.
_RECOUNT_DAY = """
    UPDATE ads_flightbalance b SET version = b.version + 1, day_delivered = CASE
        WHEN (f.pricing, f.goal_type) IN (('cpc', 'clicks'), ('cpcv', 'completed_views'), ('cpm', 'impressions'), ('cpm', 'spend')) THEN (
            SELECT count(*) FROM ads_ledgerentry e
            WHERE e.flight_id = f.id
                AND e.booked_at >= b.day::timestamp AT TIME ZONE 'UTC' AND e.booked_at < (b.day + 1)::timestamp AT TIME ZONE 'UTC'
                AND e.kind = CASE f.pricing WHEN 'cpm' THEN 'impression' WHEN 'cpc' THEN 'click' ELSE 'completed_view' END
                AND NOT EXISTS (
                    SELECT FROM ads_ledgerentry r WHERE r.decision = e.decision AND r.slot = e.slot AND r.kind = 'reversal'))
        ELSE (
            SELECT coalesce(sum(CASE f.goal_type WHEN 'clicks' THEN d.clicks WHEN 'completed_views' THEN d.completed_views ELSE d.impressions END), 0)
            FROM ads_deliveryday d WHERE d.flight_id = f.id AND d.bucket = b.day::timestamp AT TIME ZONE 'UTC') END
    FROM ads_flight f WHERE f.id = b.flight_id AND b.flight_id = %s AND b.day IS NOT NULL"""


def recount_day(cursor: Any, flight: int) -> None:
    """Count the goal events of the balance's day anew, now that the flight's goal is another kind of event.

    In the transaction that changes the goal, after the change; take the balance with `lock` before the flight, as bookings do.
    """
    cursor.execute(_RECOUNT_DAY, [flight])


def write(cursor: Any, accounts: Sequence[Account]) -> None:
    """The hard stop: no row changes whose new booking would pass its budget, its goal, or a limit of its day. Raises OverBudget."""
    cursor.execute(
        _WRITE,
        [list(column) for column in zip(*map(_change, accounts), strict=True)],
    )
    by_flight = {account.flight: account for account in accounts}
    for row in cursor.fetchall():
        by_flight[row[0]].settled = balance_of(row)
    if cursor.rowcount != len(accounts):
        refused = [account.flight for account in accounts if account.settled is None]
        raise OverBudget(f"flights {refused} would have been booked beyond what was sold")


def _change(account: Account) -> tuple[Any, ...]:
    day = max((day for day in (account.day, *account.added_days) if day), default=None)
    today = account.added_days[day] if day else Tally()
    return (
        account.flight, account.added.micros, account.added.goal_position, day, today.micros, today.delivered, today.goal_position,
        *(account.added_counts[name] for name in COUNTS),
    )  # fmt: skip


def balance_of(row: Sequence[Any]) -> Balance:
    """The balance told by a row of the columns that `lock` and `write` read."""
    account = _account(row)
    today = account.before_days.get(account.day, Tally()) if account.day else Tally()
    return Balance(account.flight, account.before.micros, account.day, today.micros, account.before.delivered, today.delivered, row[-1])
