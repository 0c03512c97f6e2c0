// How figures are written. Shares arrive as 0-1, money as integer micros, times as ISO UTC; what is not there is a dash, never a zero.

const language = globalThis.document?.documentElement.lang || "en";
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
const plain = new Intl.NumberFormat(language, { maximumSignificantDigits: 4 });
const one = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(language, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const finePercent = new Intl.NumberFormat(language, { style: "percent", minimumFractionDigits: 2, maximumFractionDigits: 2 });
const roundPercent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
const utc = (options) => new Intl.DateTimeFormat("en-GB", { hourCycle: "h23", timeZone: "UTC", ...options });
const minutes = utc({ hour: "2-digit", minute: "2-digit" });
const seconds = utc({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const days = utc({ day: "numeric", month: "short" });
const dayMinutes = utc({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export const NOTHING = "–";
const known = (figure) => figure !== null && figure !== undefined && !Number.isNaN(figure);

/** ``{value(figure, unit), axis(figure, unit), delta(now, before, unit), interval([low, high], unit), minute, clock, day, moment, ...}``.
 *  Units: count, share, money (micros), number, hours, seconds, ms, points (a difference of shares). */
export function writer(currency) {
  const cash = new Intl.NumberFormat(language, { style: "currency", currency });
  const shortCash = new Intl.NumberFormat(language, { style: "currency", currency, notation: "compact", maximumFractionDigits: 1 });
  const fineCash = new Intl.NumberFormat(language, { style: "currency", currency, maximumFractionDigits: 4 });
  const big = (figure) => Math.abs(figure) >= 100000;
  const write = {
    count: (figure) => (big(figure) ? short : whole).format(figure),
    share: (figure) => (Math.abs(figure) < 0.1 ? finePercent : percent).format(figure),
    money: (micros) => (Math.abs(micros) >= 1e12 ? shortCash : cash).format(micros / 1e6),
    number: (figure) => plain.format(figure),
    hours: (figure) => `${big(figure) ? short.format(figure) : one.format(figure)} h`,
    seconds: (figure) => `${figure < 10 ? one.format(figure) : whole.format(figure)} s`,
    ms: (figure) => `${plain.format(figure)} ms`,
    points: (figure) => `${figure > 0 ? "+" : ""}${(figure * 100).toFixed(2)} pp`,
  };
  const axes = {
    ...write,
    count: (figure) => short.format(figure),
    share: (figure) => roundPercent.format(figure),
    // Of an axis whose money is cents: two digits would write the same on every line.
    money: (micros) => (Math.abs(micros) >= 1e9 ? shortCash : Math.abs(micros) < 100000 ? fineCash : cash).format(micros / 1e6),
    hours: (figure) => `${short.format(figure)} h`,
    points: (figure) => `${(figure * 100).toFixed(1)} pp`,
  };
  const value = (figure, unit = "count") => (known(figure) ? (write[unit] ?? write.number)(figure) : NOTHING);

  // The change against the baseline: in percent for counts and money, in percentage points for shares.
  function delta(now, before, unit) {
    if (!known(now) || !known(before)) return null;
    if (unit === "share") {
      const points = (now - before) * 100;
      return { sign: Math.sign(Math.round(points * 100)), text: `${Math.abs(points).toFixed(points > -10 && points < 10 ? 2 : 1)} pp` };
    }
    if (before === 0) return null;
    const change = (now - before) / Math.abs(before);
    return { sign: Math.sign(Math.round(change * 1000)), text: percent.format(Math.abs(change)) };
  }

  return {
    ...write,
    value,
    delta,
    axis: (figure, unit = "count") => (axes[unit] ?? axes.number)(figure),
    interval: (pair, unit) => (pair && known(pair[0]) && known(pair[1]) ? `${value(pair[0], unit)} – ${value(pair[1], unit)}` : ""),
    minute: (when) => minutes.format(new Date(when)),
    clock: (when) => seconds.format(new Date(when)),
    day: (when) => days.format(new Date(when)),
    moment: (when) => dayMinutes.format(new Date(when)),
  };
}

let ofPage;
/** The writer in the page's currency, which its root names. */
export const pageWriter = () => (ofPage ??= writer(document.querySelector("[data-currency]").dataset.currency));

export function ago(milliseconds) {
  const gone = Math.max(0, Math.round(milliseconds / 1000));
  if (gone < 60) return `${gone} s`;
  if (gone < 3600) return `${Math.floor(gone / 60)} min`;
  if (gone < 172800) return `${Math.floor(gone / 3600)} h ${Math.floor((gone % 3600) / 60)} min`;
  return `${Math.floor(gone / 86400)} days`;
}
