// What is fetched once and kept while its address stays the same; and who asked last gets the answer.

export class Trouble extends Error {}

export async function read(address) {
  const response = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) location.reload();
  if (!response.ok) throw new Trouble(body.reason ?? `It could not be read (${response.status}); try again in a moment.`);
  return body;
}

/** ``follow(address, show)``: calls ``show(body, null)`` or ``show(null, words)`` for the newest address alone, and not again while it stays. */
export function follower() {
  let asked = null;
  return async (address, show) => {
    if (address === asked) return;
    asked = address;
    try {
      const body = await read(address);
      if (asked === address) show(body, null);
    } catch (trouble) {
      if (asked !== address) return;
      show(null, trouble instanceof Trouble ? trouble.message : "The server does not answer; this is tried again.");
      asked = null;
    }
  };
}
