"""What goes in and out over the API, as its schema tells it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from .answering import MOST_CLIENT
from .conversation import MOST_TITLE
from .text import MAX_QUESTION

QUERY = "A SemanticQuery as an answer carries it, to be run as it stands: what a chip offers, or a program keeps"


class QuestionSerializer(serializers.Serializer[Any]):
    question = serializers.CharField(max_length=MAX_QUESTION)
    conversation = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**63 - 1, help_text="Goes on with one of yours: it may refer to the last answer"
    )  # fmt: skip
    query = serializers.DictField(required=False, allow_null=True, help_text=QUERY)
    id = serializers.RegexField(
        r"^[\w-]{8,}$", required=False, max_length=MOST_CLIENT, help_text="Your name for the question: sent twice, it is answered and stored once"
    )  # fmt: skip
    edited = serializers.CharField(required=False, allow_blank=True, max_length=200, help_text="In words, what the query changes about the last one")


class ColumnSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    role = serializers.CharField(help_text="time, dimension or measure")
    unit = serializers.CharField(allow_blank=True)


class ChoiceSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    question = serializers.CharField(help_text="What picking it asks")


class StatementSerializer(serializers.Serializer[Any]):
    purpose = serializers.CharField(help_text="What it was run for")
    sql = serializers.CharField()
    params = serializers.DictField()


class MoreSerializer(serializers.Serializer[Any]):
    heading = serializers.CharField()
    columns = ColumnSerializer(many=True)
    rows = serializers.ListField(child=serializers.ListField())
    cells = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))


class VerifiedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    question = serializers.CharField(help_text="As it was checked")
    by = serializers.CharField()
    at = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True, help_text="What the checker wants readers to know")


class StageSerializer(serializers.Serializer[Any]):
    stage = serializers.CharField()
    ms = serializers.FloatField(help_text="Milliseconds it took")


class AnswerSerializer(serializers.Serializer[Any]):
    """The contract of ``manage.py ask --json`` and what the page shows around it."""

    conversation = serializers.IntegerField()
    message = serializers.IntegerField()
    question = serializers.CharField()
    asked_at = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=["answered", "clarify", "refused"])
    interpretation = serializers.CharField(allow_blank=True)
    sql = serializers.CharField(allow_blank=True)
    params = serializers.DictField()
    columns = ColumnSerializer(many=True)
    rows = serializers.ListField(child=serializers.ListField(), help_text="Exact: shares 0-1, money in the currency; null where there is none")
    cells = serializers.ListField(child=serializers.ListField(child=serializers.CharField()), help_text="The rows as people read them")
    text = serializers.CharField()
    chart = serializers.DictField(allow_null=True)
    choices = ChoiceSerializer(many=True, help_text="Where the question could mean several things")
    engine = serializers.CharField(help_text="Who read and worded it")
    note = serializers.CharField(allow_blank=True, help_text="What went otherwise than planned")
    as_of = serializers.CharField(allow_null=True, help_text="How far the figures are filled")
    currency = serializers.CharField()
    query = serializers.DictField(allow_null=True, help_text=QUERY)
    statements = StatementSerializer(many=True, help_text="All SQL that was run for it, the first gave the rows")
    more = MoreSerializer(many=True, help_text="Tables below the rows, such as what was changed meanwhile")
    synthetic = serializers.BooleanField(help_text="Some of the figures come from a synthetic audience")
    verified = VerifiedSerializer(allow_null=True, help_text="The question that staff have checked, where it answered")
    trace = serializers.DictField(help_text="What of the catalogue the question was matched with, and why")
    spans = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text="For all the text states: {start, end, kind, how, formula, cell, row, column}, counted in UTF-16 units",
    )
    chips = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text="The interpretation in parts: {id, kind, label, options: [{label, query}], remove: query}; send a query to run it",
    )
    definitions = serializers.ListField(child=serializers.DictField(), required=False, help_text="What its figures mean")
    suggestions = serializers.ListField(child=serializers.DictField(), required=False, help_text="What could be asked next: {label, question, query}")
    stages = StageSerializer(many=True)
    edited = serializers.CharField(allow_blank=True, help_text="What was changed about the answer before it, in words")
    client = serializers.CharField(required=False, help_text="The id that it was sent with")
    milliseconds = serializers.FloatField()


class ConversationSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    title = serializers.CharField()
    started_at = serializers.DateTimeField()
    latest_at = serializers.DateTimeField()
    archived = serializers.BooleanField()


class TranscriptSerializer(serializers.Serializer[Any]):
    messages = AnswerSerializer(many=True)


class ChangeSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(required=False, allow_blank=True, max_length=MOST_TITLE, help_text="Empty: called by its first question again")
    archived = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Give a title, or say whether it is archived.")
        return attrs
