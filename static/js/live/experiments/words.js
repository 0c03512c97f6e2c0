// How an experiment's figures are written. Pure, but for the writer that is given.

const SIGNED = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" });
const NUMBER = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, signDisplay: "exceptZero" });

export const NOTHING = "–";

/** "+3.1 % [+1.2, +5.0]" of a difference as a share of the control. */
export function share(change) {
  if (!change) return NOTHING;
  const part = (value) => SIGNED.format(value).replace("%", "");
  return `${part(change.value)} % [${part(change.low)}, ${part(change.high)}]`;
}

/** The same in the metric's own unit. */
export function own(effect) {
  return effect ? `${NUMBER.format(effect.value)} [${NUMBER.format(effect.low)}, ${NUMBER.format(effect.high)}]` : NOTHING;
}

export const percent = (part) => `${Number((part * 100).toFixed(1))} %`;

/** "running since 18 Nov 08:00 UTC", "ran from .. to ..", "a draft". */
export function since(one, write) {
  if (one.state === "draft") return "a draft: nobody gets an arm of it";
  const from = write.moment(one.started_at);
  if (one.state === "running") return `running since ${from} UTC`;
  const ended = `ran from ${from} to ${write.moment(one.stopped_at)} UTC`;
  return one.rolled_out ? `${ended}; everybody gets ${one.rolled_out}` : ended;
}

/** The one word of an experiment: what its arms' deciding rows say, the clearest first. */
export function headline(one) {
  if (one.state === "draft") return { label: "draft", verdict: "draft" };
  if (one.sizes?.verdict === "mismatch") return { label: "cannot be read", verdict: "mismatch" };
  if (one.guardrails.some((guard) => guard.broken)) return { label: "breaks a guardrail", verdict: "breach" };
  const order = ["breach", "worse", "better", "no_difference", "not_read", "mismatch", "not_yet"];
  const rows = one.decided.toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  return rows.length ? { label: rows[0].label, verdict: rows[0].verdict } : { label: one.looked_at ? "no deciding metric" : "no look yet", verdict: "none" };
}

export const a = (count, one, many) => `${count} ${count === 1 ? one : many}`;
