// Reads {documents: {name: xml}} from standard input, parses each with @dailymotion/vmap, and the VAST inside of it with @dailymotion/vast-client,
// and prints what it found as JSON. Every break's tracking is told once, into a list instead of a network.
import { readFileSync } from "node:fs";
import { DOMParser, XMLSerializer } from "@xmldom/xmldom";
import { VASTParser } from "@dailymotion/vast-client";
import VMAP from "@dailymotion/vmap";

async function inside(node, faults) {
  if (!node) return null;
  const parser = new VASTParser();
  parser.on("VAST-error", (fault) => faults.push(fault.ERRORMESSAGE ?? String(fault.ERRORCODE)));
  parser.on("VAST-warning", (warning) => faults.push(`${warning.message} ${warning.missing ?? ""}`.trim()));
  const response = await parser.parseVAST(new DOMParser().parseFromString(new XMLSerializer().serializeToString(node), "text/xml"));
  return { version: response.version, servingIds: response.ads.map((ad) => ad.adServingId) };
}

async function told(adBreak, faults) {
  const sent = [];
  adBreak.tracker = (uri) => sent.push(uri);
  for (const event of ["breakStart", "breakEnd", "error"]) adBreak.track(event, 303);
  const source = adBreak.adSource;
  return {
    id: adBreak.breakId,
    timeOffset: adBreak.timeOffset,
    breakType: adBreak.breakType,
    repeatAfter: adBreak.repeatAfter,
    source: { id: source.id, allowMultipleAds: source.allowMultipleAds, followRedirects: source.followRedirects },
    adTag: source.adTagURI,
    vast: await inside(source.vastAdData, faults),
    events: adBreak.trackingEvents.map((one) => one.event),
    sent,
  };
}

const { documents } = JSON.parse(readFileSync(0, "utf8"));
const answer = {};
for (const [name, xml] of Object.entries(documents)) {
  const faults = [];
  const vmap = new VMAP(new DOMParser({ onError: (level, words) => faults.push(`${level}: ${words}`) }).parseFromString(xml, "text/xml"));
  const breaks = [];
  for (const one of vmap.adBreaks) breaks.push(await told(one, faults));
  answer[name] = { version: vmap.version, breaks, faults };
}
process.stdout.write(JSON.stringify(answer));
