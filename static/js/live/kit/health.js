// What the page says about its figures: whether they are live, and if not what stands still and since when. No document, no clock of its own.

export const SILENCE_MS = 3500; // a tick comes every second
export const SLACK_MS = 2500; // beyond what lies between two builds
export const FIRST_MS = 5000; // until the first figures of a stream must be there
const BEHIND_SECONDS = 10;

const PROBLEMS = { database: "The database does not answer", redis: "Redis does not answer" };
const FAILING = "Part of the figures cannot be put together just now; the publisher's log says why";
const late = (words, since, names = null) => ({ name: "late", words, since, late: names });

/** ``link``: {now, startedAt, refused, paused, pausedAt, open, closedAt, away: {redis, server}, held: [Held]}, times in the server's milliseconds.
 *  Answers {name: live|late|paused|refused|waiting, words, since, late}; ``late`` names the streams concerned, null means all. */
export function health(link) {
  if (link.refused === "signed_out") return { name: "refused", words: "You are signed out", since: null, late: null };
  if (link.refused) return { name: "refused", words: "Your account may no longer see these figures", since: null, late: null };
  if (link.paused) return { name: "paused", words: "Paused", since: link.pausedAt, late: [] };
  const held = link.held.filter((one) => !one.refused);
  if (!held.length && link.held.length) return { name: "refused", words: link.held[0].refused, since: null, late: null };
  return reach(link, held) ?? supply(link, held) ?? behind(held) ?? { name: "live", words: "Live", since: null, late: [] };
}

const troubles = (link, held) => held.filter(({ problem }) => problem && link.now - problem.at < FIRST_MS);

// What lies between the page and the publisher.
function reach(link, held) {
  const heard = Math.max(...held.map((one) => one.movedAt ?? 0)) || null;
  // Told by the publisher itself a moment ago: so what lies in between is there.
  const problem = troubles(link, held).find(({ problem }) => problem.what !== "stream")?.problem;
  if (problem) return late(PROBLEMS[problem.what] ?? `The publisher waits for ${problem.what}`, problem.since);
  if (link.away.redis) return late(PROBLEMS.redis, heard ?? link.away.redis);
  if (link.away.server) return late("The server does not answer, trying again", heard ?? link.away.server);
  if (!link.open && link.closedAt) return late("Connection lost, trying again", link.closedAt);
  return null;
}

// What the publisher brings.
function supply(link, held) {
  const opening = link.now - link.startedAt < FIRST_MS;
  const failing = troubles(link, held);
  if (failing.length) {
    const since = Math.min(...failing.map((one) => one.problem.since));
    return late(FAILING, since, failing.map((one) => one.name));
  }
  const silent = held.filter((one) => one.snapshot && link.now - one.movedAt > SILENCE_MS);
  const without = held.filter((one) => !one.snapshot);
  if (!opening && silent.length && silent.length + without.length === held.length) {
    return late("Figures are late: the live publisher is silent", Math.max(...silent.map((one) => one.movedAt)));
  }
  if (without.length) {
    const names = without.map((one) => one.name);
    if (opening) return { name: "waiting", words: "Waiting for the first figures", since: null, late: names };
    if (without.length === held.length) return late("No figures yet: the live publisher is not running", null);
    return late("Part of the figures is still being put together", null, names);
  }
  const overdue = held.filter((one) => link.now - one.builtAt > one.snapshot.every * 1000 + SLACK_MS);
  if (!opening && overdue.length) {
    const due = Math.min(...overdue.map((one) => one.builtAt + one.snapshot.every * 1000));
    return late(overdue.length < held.length ? "Part of the figures is late" : "Figures are late", due, overdue.map((one) => one.name));
  }
  return null;
}

// What the figures themselves do not hold yet.
function behind(held) {
  const newest = held.reduce((found, one) => (!found || one.builtAt > found.builtAt ? one : found), null);
  const log = newest?.snapshot.log;
  if (log?.away) return late("The event log does not answer: nothing new is counted", newest.logAwaySince);
  if (log?.oldest > BEHIND_SECONDS) return late("The event consumer is behind: nothing is counted", newest.builtAt - log.oldest * 1000);
  return null;
}
