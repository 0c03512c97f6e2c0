"""Tables in and out of the lists: the list as it is narrowed goes out as CSV or XLSX, and a file comes in after a dry run."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone

from ads.exchange import files, run
from ads.exchange.resources import TABLES

from .saved import Filtered

KEPT_SECONDS = 1_800
MOST_EXPORTED = 20_000
SHOWN = 200
TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class Exchanged(Filtered):
    """Adds import and export to a list. Who may add and change rows may import, who may look at them may export."""

    def get_urls(self) -> list[Any]:
        wrap, name = self.admin_site.admin_view, self.opts.model_name
        return [
            path("exchange/import/", wrap(self.import_page), name=f"ads_{name}_import"),
            path("exchange/export/", wrap(self.export_page), name=f"ads_{name}_export"),
            *super().get_urls(),
        ]

    def may_import(self, request: HttpRequest) -> bool:
        return bool(self.has_add_permission(request) and self.has_change_permission(request))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        name, query = self.opts.model_name, request.GET.copy()
        query.pop("p", None)
        exchange = {"import": reverse(f"admin:ads_{name}_import") if self.may_import(request) else ""}
        for kind in TYPES:
            query["format"] = kind
            exchange[kind] = f"{reverse(f'admin:ads_{name}_export')}?{query.urlencode()}"
        return super().changelist_view(request, {**(extra_context or {}), "exchange": exchange})

    def export_page(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = request.GET.copy()
        kind = (asked.pop("format", ["csv"]) or ["csv"])[-1]
        kind = kind if kind in TYPES else "csv"
        request.GET = asked  # type: ignore[assignment]
        rows = self.get_changelist_instance(request).get_queryset(request)
        if rows.count() > MOST_EXPORTED:
            self.message_user(request, f"These are more than {MOST_EXPORTED:,} rows; narrow the list first.", messages.WARNING)
            return redirect(f"{reverse(f'admin:ads_{self.opts.model_name}_changelist')}?{asked.urlencode()}")
        headers, cells = run.exported(self.opts.model_name, rows, user=request.user)
        plural = str(self.opts.verbose_name_plural)
        written = files.write_csv(headers, cells) if kind == "csv" else files.write_xlsx(headers, cells, plural)
        answer = HttpResponse(written, content_type=TYPES[kind])
        answer["Content-Disposition"] = f'attachment; filename="{plural.replace(" ", "-")}-{timezone.now():%Y-%m-%d}.{kind}"'
        return answer

    def import_page(self, request: HttpRequest) -> HttpResponse:
        """A file: what it would do. Agreed to: done, all of it or without the bad lines."""
        if not self.may_import(request):
            raise PermissionDenied
        if request.method not in ("GET", "POST"):
            return HttpResponseNotAllowed(["GET", "POST"])
        context: dict[str, Any] = {"token": ""}
        if request.method == "POST":
            try:
                answer = self._read(request, context)
            except files.WrongFile as error:
                context["problem"] = str(error)
            else:
                if answer is not None:
                    return answer
        name = self.opts.model_name
        context |= {
            **self.admin_site.each_context(request), "opts": self.opts, "title": f"Import {self.opts.verbose_name_plural}",
            "columns": TABLES[name].columns(), "keys": TABLES[name].keys, "most_rows": files.MOST_ROWS, "shown": SHOWN,
            "export": f"{reverse(f'admin:ads_{name}_export')}?format=csv",
            "back": reverse(f"admin:ads_{name}_changelist"),
        }  # fmt: skip
        return TemplateResponse(request, "ads/admin/import.html", context)

    def _read(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse | None:
        name, token = self.opts.model_name, request.POST.get("token", "")
        sent = request.FILES.get("file")
        if sent is None and not token:
            raise files.WrongFile("Choose a file first.")
        if sent is not None:
            if (sent.size or 0) > files.MOST_BYTES:
                raise files.WrongFile(
                    f"The file has {(sent.size or 0) / 1e6:.1f} MB; {files.MOST_BYTES / 1e6:.0f} MB are the most. Send it in parts."
                )
            content = sent.read()
        else:
            kept = cache.get(_key(request, name, token))
            if kept is None:
                raise files.WrongFile("The file is not kept any more; choose it once again.")
            content = base64.b64decode(kept)
        table = files.read_table(content)
        if sent is None and "agreed" in request.POST:
            done = run.carry_out(name, table, user=request.user, skip_bad="skip_bad" in request.POST)
            if done.written or not done.problems:
                cache.delete(_key(request, name, token))
                self.message_user(request, _words(done), messages.SUCCESS)
                return redirect(reverse(f"admin:ads_{name}_changelist"))
            context |= {"outcome": done, "table": table, "token": token, "problem": "Nothing was written: there are bad lines."}
            return None
        token = uuid.uuid4().hex
        cache.set(_key(request, name, token), base64.b64encode(content).decode(), KEPT_SECONDS)
        context |= {"outcome": run.examine(name, table, user=request.user), "table": table, "token": token}
        return None


def _key(request: HttpRequest, name: str, token: str) -> str:
    """Of one person and one list: nobody confirms what somebody else has seen."""
    return f"import:{request.user.pk}:{name}:{token[:32]}"


def _words(done: run.Outcome) -> str:
    skipped = f" {done.bad_lines} bad {'line was' if done.bad_lines == 1 else 'lines were'} left out." if done.problems else ""
    return f"{done.new} new, {done.changed} changed, {done.unchanged} as they were.{skipped}"
