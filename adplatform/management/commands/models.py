"""``manage.py models``: who serves, who is under test and what it waits for; and what the admin's buttons do, from a shell."""

from __future__ import annotations

import json
import textwrap
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from adplatform.audit import UnknownActor, actor_named
from adplatform.learning import services, stages
from adplatform.learning.predictor import ArtifactRefused
from adplatform.learning.registry import NotPromotable
from adplatform.learning.selectors import Standing, standings, trouble_of
from adplatform.models import ModelVersion

WIDTH = 110
VERBS = {
    "list": "[KIND]: who serves it, without a kind each (the default)",
    "rollback": "KIND: the previous champion serves again",
    "promote": "KIND NUMBER: serve this version whatever its gates said",
    "shadow": "KIND NUMBER: let it score what others decide",
    "canary": "KIND NUMBER --share 0.05: let it decide for a share of the viewers",
    "stop": "KIND: end the test of its challenger",
    "advance": "[KIND]: judge its challenger now, without a kind every one, as the schedule does every three minutes",
}


class Command(BaseCommand):
    help = "; ".join(f"{verb} {words}" for verb, words in VERBS.items())

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", nargs="?", default="list", choices=list(VERBS))
        parser.add_argument("kind", nargs="?", help="For example ctr")
        parser.add_argument("number", nargs="?", type=int, help="Of the version")
        parser.add_argument("--share", type=float, default=0.05, help="canary: share of the traffic, 0-1")
        parser.add_argument("--as", dest="user", help="User name that stands in the audit log; the system without it")
        parser.add_argument("--json", action="store_true", help="list: print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        verb, now = options["verb"], datetime.now(UTC)
        if verb == "list":
            self._list(options["kind"] and self._kind(options["kind"]), as_json=options["json"])
        elif verb == "advance":
            kind = options["kind"] and self._kind(options["kind"])
            for judged, words in ({kind: stages.advance(kind, now=now)} if kind else stages.advance_all(now=now)).items():
                self.stdout.write(f"{judged}: {words}")
        else:
            try:
                self._change(verb, options, now)
            except (NotPromotable, ArtifactRefused, UnknownActor) as error:
                raise CommandError(str(error)) from error

    def _change(self, verb: str, options: dict[str, Any], now: datetime) -> None:
        actor, kind = actor_named(options["user"]), self._kind(options["kind"])
        if verb == "rollback":
            self.stdout.write(f"{services.model_rollback(actor=actor, kind=kind)} serves again")
        elif verb == "stop":
            self.stdout.write(f"{services.model_stop(actor=actor, kind=kind, now=now)} is out of the rollout")
        elif verb == "promote":
            services.model_promote(actor=actor, version=(version := self._version(kind, options["number"])))
            self.stdout.write(f"{version} serves now")
        elif verb == "shadow":
            services.model_shadow(actor=actor, version=(version := self._version(kind, options["number"])), now=now)
            self.stdout.write(f"{version} is in shadow")
        else:
            services.model_canary(actor=actor, version=(version := self._version(kind, options["number"])), share=options["share"], now=now)
            self.stdout.write(f"{version} decides for {options['share']:.0%} of the viewers")

    def _kind(self, kind: str | None) -> str:
        known = [one.kind for one in standings()]
        if kind not in known:
            raise CommandError(f"name one of the kinds there are: {', '.join(known)}")
        return kind

    def _version(self, kind: str, number: int | None) -> ModelVersion:
        version = ModelVersion.objects.filter(kind=kind, number=number or 0).first()
        if version is None:
            newest = ModelVersion.objects.filter(kind=kind).exclude(artifact="").order_by("-number").values_list("number", flat=True)[:5]
            raise CommandError(f"name one of the {kind} versions, the newest are: {', '.join(map(str, newest)) or 'none'}")
        return version

    def _list(self, kind: str | None, *, as_json: bool) -> None:
        found = [one for one in standings() if kind in (None, one.kind)]
        if as_json:
            self.stdout.write(json.dumps({"models": [as_dict(one) for one in found]}, indent=2))
            return
        for one in found:
            self.stdout.write(f"{one.kind}{'' if one.by_steps else ' (promoted by its gates alone)'}")
            rows = [("champion", one.champion), ("challenger", one.challenger), ("previous", one.previous), *(("waits", row) for row in one.waiting)]
            for title, row in rows:
                if row is not None:
                    self.stdout.write(line(title, row))
                if row is not None and (trouble := trouble_of(row)):
                    self.stdout.write(textwrap.fill(trouble, WIDTH, initial_indent=" " * 13, subsequent_indent=" " * 13))
            if one.champion is None:
                self.stdout.write("  nobody serves: smoothed rates or nothing answer until a first version is trained")


def line(title: str, row: ModelVersion) -> str:
    share = f" {row.traffic_share:.0%}" if row.status == ModelVersion.Status.CANARY else ""
    since = f" since {row.stage_since:%Y-%m-%d %H:%M}" if row.stage_since else ""
    head = f"  {title:<11}v{row.number} {row.estimator}, {row.get_status_display().lower()}{share}{since}"
    return "\n".join([head, *textwrap.wrap(row.verdict, WIDTH, initial_indent=" " * 13, subsequent_indent=" " * 13)])


def as_dict(one: Standing) -> dict[str, Any]:
    def told(row: ModelVersion | None) -> dict[str, Any] | None:
        if row is None:
            return None
        since = row.stage_since.isoformat() if row.stage_since else None
        return {
            "number": row.number, "estimator": row.estimator, "status": row.status, "traffic_share": row.traffic_share, "since": since,
            "verdict": row.verdict, "trouble": trouble_of(row),
        }  # fmt: skip

    held = {"champion": told(one.champion), "challenger": told(one.challenger), "previous": told(one.previous)}
    return {"kind": one.kind, "by_steps": one.by_steps, **held, "waiting": [told(row) for row in one.waiting]}
