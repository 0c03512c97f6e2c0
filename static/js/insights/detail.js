// What stands behind an answer, folded away: the SQL with its parameters, and how the answer came about.

import { make } from "../live/kit/dom.js";
import { copier } from "./actions.js";

export function sql(answer, page) {
  const statements = answer.statements?.length ? answer.statements : answer.sql ? [{ purpose: "the figures", sql: answer.sql, params: answer.params }] : [];
  if (!statements.length) return null;
  const shown = statements.map((ran) => {
    const bound = Object.entries(ran.params).map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join("\n");
    const copy = copier("Copy", () => ran.sql, page);
    copy.classList.add("copy");
    const code = make("pre", "", make("code", "", ran.sql));
    code.tabIndex = 0;
    return make("div", "sql-part", make("p", "sql-purpose muted", `For ${ran.purpose}`), make("div", "sql-frame", copy, code, bound ? make("pre", "sql-params", bound) : null));
  });
  return make("details", "fold sql", make("summary", "", statements.length > 1 ? `SQL that was run (${statements.length} statements)` : "SQL that was run"), ...shown);
}

export function trace(answer) {
  const parts = [];
  if (answer.stages?.length) parts.push(["Stages", answer.stages.map(({ stage, ms }) => `${stage} ${Math.round(ms)} ms`).join(" · ")]);
  parts.push(["Read and worded by", answer.engine]);
  for (const [label, words] of definitions(answer)) parts.push([label, words]);
  const list = make("dl", "trace-parts", ...parts.flatMap(([name, words]) => [make("dt", "", name), make("dd", "", words)]));
  return make("details", "fold trace", make("summary", "", "How this was answered"), list, hits(answer));
}

function definitions({ definitions: told }) {
  if (Array.isArray(told)) return told.map((one) => (Array.isArray(one) ? one : [one.label ?? one.name, one.description ?? one.means ?? ""]));
  return told && typeof told === "object" ? Object.entries(told) : [];
}

/** What was found for the words of the question, and how. */
function hits(answer) {
  const found = answer.trace?.retrieved ?? [];
  if (!found.length) return null;
  const rows = found.map((hit) => make("tr", "", make("th", "", hit.label ?? hit.ref), make("td", "", hit.kind ?? ""), make("td", "", hit.why ?? hit.how ?? ""), make("td", "number", typeof hit.score === "number" ? hit.score.toFixed(3) : "")));
  const head = make("tr", "", ...["What was found", "Kind", "Why", "Score"].map((name) => make("th", "", name)));
  return make("div", "figures-frame", make("table", "figures", make("caption", "visually-hidden", "What was found for the words of the question"), make("thead", "", head), make("tbody", "", ...rows)));
}
