// UUIDv7 (RFC 9562): 48 bits of server time in milliseconds, then random bits. The log reads the day from it.

export function uuid7(milliseconds, random = crypto.getRandomValues(new Uint8Array(10))) {
  const bytes = new Uint8Array(16);
  let rest = Math.floor(milliseconds);
  for (let at = 5; at >= 0; at -= 1) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes.set(random, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Milliseconds of a server time given as ISO text, Unix seconds or Unix milliseconds. */
export function milliseconds(serverNow) {
  if (typeof serverNow === "string") return Date.parse(serverNow);
  return serverNow < 1e11 ? serverNow * 1000 : serverNow;
}
