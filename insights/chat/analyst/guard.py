"""What is no question: commands, injections, people's data, forecasts; and what the business could know and this one does not record."""

from __future__ import annotations

import re

from insights.chat.grammar import NOT_RECORDED
from insights.chat.tagging import Tagged
from insights.chat.vocabulary import Vocabulary

from .says import Stop, can_ask, refuse

# Anywhere in a question, over its words as typed.
_INJECTIONS = re.compile(
    r"\b(?:(?:ignore|disregard|forget|override|bypass) (?:\w+ ){0,3}(?:instructions?|rules?|prompts?|guidelines?|restrictions|permissions)"
    r"|system prompt|your (?:instructions|prompt|rules)|you are now|act as|pretend (?:to be|you)|developer mode|jailbreak"
    r"|as an? (?:admin|administrator|superuser)"
    r"|drop (?:the |all |every )?(?:\w+ ){0,2}(?:table|tables|database|schema|index|view)|truncate|delete from|insert into"
    r"|alter (?:table|role|user)"
    r"|create (?:table|role|user|view)|union (?:all )?select|select .{1,60} from|grant .{1,40} to|information schema|pg [a-z]+|set role"
    r"|copy .{1,40} to"
    r"|update .{1,40} set|or 1 = 1|xp cmdshell|raw sql"
    r"|run (?:this |the )?(?:sql|query|code|command)|execute (?:this |the )?\w*|eval|import os|rm - rf"
    r"|other (?:tenants?|advertisers?|customers?|clients?|companies) (?:data|figures|rows|numbers)|(?:all|every) (?:tables?|rows|columns|databases?)"
    r"|without (?:row level security|rls|permission checks?)|row level security)\b"
)
_SECRETS_WORDS = """
password passwords passwd secret secrets credential credentials apikey token tokens email emails mail mails phone telephone ssn username
usernames login logins ip ips address addresses surname surnames birthday birthdays cookie cookies personal pii session_id user_id viewer_id
auth_user
"""
_SECRETS = frozenset(_SECRETS_WORDS.split())
_PEOPLE = re.compile(
    r"\b(?:list|name|which|identify|export|who are) (?:me )?(?:the |all |our |every |each )*(?:individual )?"
    r"(?:viewers?|users?|people|persons?|profiles?)\b"
    r"|\b(?:viewers?|users?|people|persons?) who (?:watched|clicked|saw|left)\b|\bwho (?:watched|clicked|saw|is watching)\b"
)
# As the first word these are a command; some only when what follows is a thing ("increase the budget", not "increase in clicks").
_COMMANDS_WORDS = """
delete drop truncate remove erase wipe insert update set pause resume stop start launch cancel send create add archive approve reject
disable enable turn switch rename edit buy book schedule publish unpublish activate deactivate kill reset alter modify assign upload import
export execute revoke refund pay charge reset reboot restart shut move transfer write
"""
_COMMANDS = frozenset(_COMMANDS_WORDS.split())
_ALSO_NOUNS_WORDS = """
increase decrease raise lower change cut double halve reduce boost optimise optimize rise fall improve fix
"""
_ALSO_NOUNS = frozenset(_ALSO_NOUNS_WORDS.split())
_OBJECTS_WORDS = "the my our your their its all this that these those a an every"
_OBJECTS = frozenset(_OBJECTS_WORDS.split())
_AHEAD_WORDS = """
will forecast forecasts forecasted predict predicts prediction predictions projection projections projected project estimate
"""
_AHEAD = frozenset(_AHEAD_WORDS.split())
_AHEAD_PHRASES = re.compile(r"\b(?:is|are|be) (?:expected|likely|projected) to|\bgoing to\b|\bwhat if\b|\bnext (?:week|month|quarter|year)\b")
_ADVICE_WORDS = """
should recommend recommendation recommendations advise advice suggest suggestion suggestions optimise optimize strategy
"""
_ADVICE = frozenset(_ADVICE_WORDS.split())


def check(tagged: Tagged, vocabulary: Vocabulary, *, editing: bool = False) -> None:
    """Raises Stop for what is forbidden. Words of names and of the model are data and never a command."""
    words = ["" if tagged.covered(index) and _named(tagged, index) else token.word for index, token in enumerate(tagged.tokens)]
    text = " ".join(word for word in words if word)
    plain = " ".join(token.word for index, token in enumerate(tagged.tokens) if not any(one.first <= index < one.last for one in tagged.of("value")))
    if _PEOPLE.search(plain):
        raise refuse(f"I show figures of audiences, never who the viewers are. {can_ask(vocabulary)}", "forbidden")
    secret = [tagged.tokens[index].raw for index in tagged.leftover() if tagged.tokens[index].word in _SECRETS]
    if _INJECTIONS.search(text) or secret:
        what = f'"{secret[0]}" is' if secret else "that is"
        raise refuse(f"I only read figures of the business: {what} nothing that I can show, run or change. {can_ask(vocabulary)}", "forbidden")
    if _is_command(tagged, editing=editing):
        raise refuse(f"I only read figures and change nothing; that has to be done where it is managed. {can_ask(vocabulary)}", "forbidden")


def _named(tagged: Tagged, index: int) -> bool:
    return any(tag.kind in ("value", "measure", "dimension") and tag.first <= index < tag.last for tag in tagged.tags)


def _is_command(tagged: Tagged, *, editing: bool) -> bool:
    """Of a follow-up some are edits of the question: ``remove the filter``, ``add clicks``."""
    opening = [index for index, token in enumerate(tagged.tokens) if token.word not in _POLITE]
    if not opening:
        return False
    first, after = tagged.tokens[opening[0]].word, tagged.word(opening[0] + 1)
    thing = any(tag.kind == "value" and tag.first == opening[0] + 1 for tag in tagged.tags)
    if _named(tagged, opening[0]):  # "pauses" is a figure, "pause the campaign" is none
        return first in _COMMANDS and (after in _OBJECTS or thing)
    if editing and first in _EDITS:
        return False
    if first in _COMMANDS:
        return True
    return first in _ALSO_NOUNS and (after in _OBJECTS or thing)


_EDITS = frozenset({"remove", "drop", "add", "set", "switch", "reset", "change", "turn", "cut"})
_POLITE_WORDS = """
please can could would you kindly now then ok okay just hey hi hello and i want to we need let us lets go ahead
"""
_POLITE = frozenset(_POLITE_WORDS.split())


def check_ahead(tagged: Tagged) -> None:
    """A forecast is not made. Of a goal that will be missed the pacing knows, so that phrase is no forecast."""
    free = [token.word for index, token in enumerate(tagged.tokens) if not tagged.covered(index)]
    if tagged.operators() & {"pacing", "behind", "ahead"}:
        return
    if _AHEAD & set(free) or _AHEAD_PHRASES.search(" ".join(free)):
        raise ahead()


def ahead() -> Stop:
    return refuse("That lies ahead. I report what was measured and make no forecasts; ask about a period that has begun.", "future")


def not_recorded(tagged: Tagged, vocabulary: Vocabulary) -> None:
    """Raises Stop for words of the trade that nothing here measures, and for advice."""
    free = [tagged.tokens[index] for index in tagged.leftover()]
    if missing := [token for token in free if token.word in NOT_RECORDED or token.stem in NOT_RECORDED]:
        quoted = listed_quoted([token.raw for token in missing])
        raise refuse(
            f"{quoted} {'is' if len(missing) == 1 else 'are'} not recorded here, so there is no figure for it. {can_ask(vocabulary)}", "capability"
        )
    if any(token.word in _ADVICE for token in free):
        raise refuse(f"I report figures and explain changes; I give no advice. {can_ask(vocabulary)}", "capability")


def listed_quoted(words: list[str]) -> str:
    return ", ".join(f'"{word}"' for word in dict.fromkeys(words))
