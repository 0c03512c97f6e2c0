// Where a time axis is marked, in UTC: at round times, as many as there is room for.

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY];

/** ``{step, values}``: at most ``most`` round times between ``from`` and ``until``, in milliseconds. */
export function timeTicks(from, until, most) {
  const step = STEPS.find((one) => (until - from) / one + 1 <= most) ?? Math.ceil((until - from) / DAY / Math.max(1, most - 1)) * DAY;
  const values = [];
  for (let at = Math.ceil(from / step) * step; at <= until; at += step) values.push(at);
  return { step, values };
}

export const byDay = (step) => step >= DAY;
