"""What no semantic model may have read: tables that hold people or what single people did, and columns that lead to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.backends.utils import CursorWrapper

# Logins and what belongs to them, viewers, single sessions and events, conversations. Totals over them stand in tables of their own.
TABLES = frozenset({
    "auth_user", "auth_user_groups", "auth_user_user_permissions", "adplatform_apikey", "django_session",
    "django_admin_log", "ads_idempotentrequest", "ads_savedfilter",
    "engagement_viewer", "engagement_viewer_favourite_genres", "engagement_playbacksession", "engagement_playbackevent",
    "engagement_churnscore", "engagement_rating", "engagement_tracedue", "engagement_sessiontrace",
    "ads_decision", "ads_adevent", "ads_advertisermember", "adplatform_assignment", "adplatform_deadevent",
    "insights_conversation", "insights_message", "insights_feedback", "insights_sharedanswer", "insights_pin", "insights_scheduledquestion",
})  # fmt: skip
# Of tables that views may add up: whose row it is.
COLUMNS = frozenset({
    ("engagement_directordecision", "session"), ("engagement_directordecision", "viewer"), ("engagement_directoroutcome", "session"),
})  # fmt: skip


def check_nobody_is_read(cursor: CursorWrapper, wanted: Mapping[str, Iterable[str]]) -> None:
    """``wanted`` is columns by table, those behind views among them. A partition is its whole table. Raises LookupError."""
    cursor.execute(_ROOTS, [list(wanted)])
    roots = dict(cursor.fetchall())
    cursor.execute(_KEYS_TO, [list(roots.values()), list(TABLES)])
    refused = COLUMNS | set(cursor.fetchall())
    found = [
        table if root in TABLES else f"{table}.{column}"
        for table, root in sorted(roots.items())
        for column in ([""] if root in TABLES else sorted(wanted[table]))
        if root in TABLES or (root, column) in refused
    ]
    if found:
        raise LookupError(
            f"the model reads {', '.join(found)}, which tells of single people; nothing was granted. "
            "Take it out of the model, or read a table of totals"
        )


_ROOTS = """
SELECT c.relname, coalesce(r.relname, c.relname) FROM pg_class c LEFT JOIN pg_class r ON r.oid = pg_partition_root(c.oid)
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s)
"""
_KEYS_TO = """
SELECT t.relname, a.attname
FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY(k.conkey)
WHERE k.contype = 'f' AND t.relnamespace = current_schema()::regnamespace AND t.relname = ANY(%s) AND p.relname = ANY(%s)
"""
