// How figures are written. Shares arrive as 0-1, money as integer micros.

const language = document.documentElement.lang || "en";
const whole = new Intl.NumberFormat(language);
const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(language, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const finePercent = new Intl.NumberFormat(language, { style: "percent", minimumFractionDigits: 2, maximumFractionDigits: 2 });
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });

export const NOTHING = "–";

export function writer(currency) {
  const cash = new Intl.NumberFormat(language, { style: "currency", currency });
  const money = (micros) => cash.format(micros / 1e6);
  const share = (value) => (value < 0.1 ? finePercent : percent).format(value);
  const count = (value) => (value >= 100000 ? short : whole).format(value);
  const write = { count, share, money };

  function value(figure, unit) {
    return figure === null || figure === undefined ? NOTHING : write[unit](figure);
  }

  // The change against the baseline: in percent for counts and money, in percentage points for shares.
  function delta(now, before, unit) {
    if (now === null || before === null || now === undefined || before === undefined) return null;
    if (unit === "share") {
      const points = (now - before) * 100;
      return { sign: Math.sign(Math.round(points * 100)), text: `${Math.abs(points).toFixed(points > -10 && points < 10 ? 2 : 1)} pp` };
    }
    if (before === 0) return null;
    const change = (now - before) / before;
    return { sign: Math.sign(Math.round(change * 1000)), text: percent.format(Math.abs(change)) };
  }

  return { value, delta, money, share, count, minute: (iso) => clock.format(new Date(iso)) };
}

export function ago(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
