"""``manage.py explain`` tells a decision to people and checks it."""

from __future__ import annotations

import json
import uuid
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from adplatform.eventlog import consumer, ids
from ads.admin.decisions import replayed
from ads.models import Decision, InventorySnapshot
from ads.serving import serve_break
from tests.ads.inventory import NOW, make_ad, make_request

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def decision() -> Decision:
    make_ad(bid_micros=30_000_000)
    make_ad(bid_micros=20_000_000)
    make_ad(targeting={"include": {"devices": ["mobile"]}})
    serve_break(make_request(), now=NOW, rng=np.random.default_rng(1))
    consumer.drain(now=NOW)
    return Decision.objects.get()


def explained(*arguments: str) -> str:
    out = StringIO()
    call_command("explain", *arguments, stdout=out)
    return out.getvalue()


def test_it_tells_the_request_the_winners_and_why_each_other_ad_did_not_serve(decision: Decision) -> None:
    text = explained(str(decision.pk))
    assert f"Decision {decision.pk}" in text
    assert decision.slots[0]["name"] in text
    assert "device_not_targeted" in text
    assert "10 s stayed empty" in text
    assert "bit for bit" in text


def test_as_json_it_holds_the_whole_decision_and_the_replay(decision: Decision) -> None:
    told = json.loads(explained(str(decision.pk), "--json"))
    assert told["replay"] == {"same": True, "differences": [], "problem": None}
    assert told["decision"]["explanation"]["considered"] == 3


def test_a_decision_that_comes_out_differently_fails(decision: Decision) -> None:
    Decision.objects.filter(pk=decision.pk).update(seed=decision.seed, slots=[{**slot, "price_micros": 7} for slot in decision.slots])
    out = StringIO()
    with pytest.raises(CommandError, match="does not tell the same"):
        call_command("explain", str(decision.pk), stdout=out)
    assert "price micros is" in out.getvalue()


def test_an_inventory_that_is_no_longer_kept_is_said(decision: Decision) -> None:
    InventorySnapshot.objects.all().delete()
    with pytest.raises(CommandError, match="not kept any more"):
        explained(str(decision.pk))
    assert "not kept any more" in replayed(decision)["words"]


def test_a_decision_stored_in_another_shape_is_said(decision: Decision) -> None:
    Decision.objects.filter(pk=decision.pk).update(state={})
    with pytest.raises(CommandError, match="stored by an earlier release"):
        explained(str(decision.pk))


@pytest.mark.parametrize(
    ("wanted", "words"),
    [("nonsense", "is no decision's id"), (str(uuid.uuid4()), "is no decision's id"), (str(ids.new_id(NOW)), "there is no decision")],
    ids=["no id", "another kind of id", "an id of nothing"],
)
def test_an_id_that_names_nothing_is_refused_in_words(wanted: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        explained(wanted)
