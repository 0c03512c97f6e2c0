// Reads {documents: {name: xml}, play: [names]} from standard input, parses each document with @dailymotion/vast-client and prints what
// it found as JSON. Documents in `play` are also played: their VASTTracker sends every address, in order, into a list instead of a network.
import { readFileSync } from "node:fs";
import { DOMParser } from "@xmldom/xmldom";
import { VASTParser, VASTTracker } from "@dailymotion/vast-client";

const STEP = 0.5;

const urls = (list) => (list ?? []).map((one) => one.url ?? one);

function linearOf(ad) {
  return ad.creatives.find((creative) => creative.type === "linear");
}

function told(ad) {
  const linear = linearOf(ad);
  const companions = ad.creatives.filter((creative) => creative.type === "companion").flatMap((creative) => creative.variations);
  return {
    id: ad.id,
    sequence: ad.sequence,
    title: ad.title,
    advertiser: ad.advertiser?.value ?? ad.advertiser,
    system: ad.system?.value,
    servingId: ad.adServingId,
    pricing: ad.pricing,
    expires: ad.expires,
    categories: ad.categories,
    description: ad.description,
    impressions: urls(ad.impressionURLTemplates),
    errors: urls(ad.errorURLTemplates),
    viewable: ad.viewableImpression,
    verifications: ad.adVerifications,
    extensions: ad.extensions.map((one) => one.attributes?.type),
    events: Object.fromEntries(Object.entries(linear.trackingEvents).map(([event, found]) => [event, found.length])),
    universalAdIds: linear.universalAdIds,
    skipDelay: linear.skipDelay,
    duration: linear.duration,
    media: linear.mediaFiles.map((file) => ({ url: file.fileURL, type: file.mimeType, delivery: file.deliveryType, width: file.width, height: file.height })),
    captions: linear.mediaFiles.length ? linear.closedCaptionFiles?.length ?? null : null,
    clickThrough: linear.videoClickThroughURLTemplate?.url,
    clickTracking: urls(linear.videoClickTrackingURLTemplates),
    icons: linear.icons.map((icon) => ({ program: icon.program, url: icon.staticResource, view: icon.iconViewTrackingURLTemplate, clicks: icon.iconClickTrackingURLTemplates.length, duration: icon.duration, offset: icon.offset })),
    companions: companions.map((one) => ({ id: one.id, width: one.width, height: one.height, url: one.staticResources[0]?.url, alt: one.altText, events: Object.keys(one.trackingEvents), clickThrough: one.companionClickThroughURLTemplate, clickTracking: urls(one.companionClickTrackingURLTemplates) })),
  };
}

function play(ad, faults) {
  const sent = [];
  let now = 0;
  globalThis.window = {};
  globalThis.Image = class {
    set src(url) {
      sent.push([now, url]);
    }
  };
  const creative = linearOf(ad);
  const tracker = new VASTTracker(null, ad, creative);
  tracker.on("TRACKER-error", (fault) => faults.push(fault.message));
  let through = null;
  tracker.on("clickthrough", (url) => (through = url));
  tracker.load();
  tracker.trackImpression();
  for (; now <= creative.duration; now += STEP) {
    tracker.setProgress(now);
    if (now === 2) tracker.trackViewableImpression();
    if (now === 3) tracker.setMuted(true);
    if (now === 3.5) tracker.setMuted(false);
    if (now === 4) tracker.setPaused(true);
    if (now === 4.5) tracker.setPaused(false);
    if (now === 5) tracker.setExpand(true);
    if (now === 5.5) tracker.setExpand(false);
    if (now === 6) tracker.click();
    if (now === 6.5) tracker.otherAdInteraction();
  }
  now = creative.duration;
  tracker.complete();
  tracker.error({ ERRORCODE: 405 });
  return { sent, through };
}

const { documents, play: played } = JSON.parse(readFileSync(0, "utf8"));
const answer = {};
for (const [name, xml] of Object.entries(documents)) {
  const parser = new VASTParser();
  const faults = [];
  parser.on("VAST-error", (fault) => faults.push(fault.ERRORMESSAGE ?? String(fault.ERRORCODE)));
  parser.on("VAST-warning", (warning) => faults.push(`${warning.message} ${warning.parentElement ?? ""} ${warning.missing ?? ""}`.trim()));
  const document = new DOMParser({ onError: (level, words) => faults.push(`${level}: ${words}`) }).parseFromString(xml, "text/xml");
  const response = await parser.parseVAST(document);
  answer[name] = { version: response.version, errorURLs: response.errorURLTemplates, ads: response.ads.map(told), faults };
  if (played.includes(name)) answer[name].played = response.ads.map((ad) => play(ad, faults));
}
process.stdout.write(JSON.stringify(answer));
