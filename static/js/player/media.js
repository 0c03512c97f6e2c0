// hls.js on the video element: starting, waiting for the playlist to grow, and getting over errors.
import Hls from "/static/vendor/hls.js/hls.min.mjs";

const MOST_RECOVERIES = 3;
const GONE = new Set([403, 404, 410]);
// VAST 4.2 error codes for a clip of which a piece cannot be had or shown.
const OF_A_CLIP = { fragLoadError: 401, fragLoadTimeOut: 402, fragParsingError: 405, keyLoadError: 400 };

export class Media extends EventTarget {
  constructor(video, worker) {
    super();
    this.video = video;
    this.worker = worker;
    this.recoveries = 0;
    this.networkTries = 0;
  }

  /** Chromium claims native HLS it cannot be relied on for: hls.js first, native only where ManagedMediaSource is. */
  static get playable() {
    return Hls.isSupported() || "ManagedMediaSource" in window;
  }

  /** ``halted``: a clip cannot be had and nothing more is loaded; what is buffered plays, and the way on is to open anew behind it. */
  open(playlist, startPosition) {
    this.close();
    this.halted = false;
    if (!Hls.isSupported()) {
      this.video.src = playlist;
      this.video.addEventListener("loadedmetadata", () => (this.video.currentTime = startPosition), { once: true });
      return;
    }
    const hls = new Hls({ startPosition, workerPath: this.worker, maxBufferLength: 30, backBufferLength: 120, enableInterstitialPlayback: false });
    this.hls = hls;
    hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
      this.edge = details.edge;
      this.networkTries = 0;
      this.tell("grown");
    });
    hls.on(Hls.Events.FRAG_BUFFERED, () => (this.networkTries = 0));
    hls.on(Hls.Events.ERROR, (_, data) => this.failed(data));
    hls.loadSource(playlist);
    hls.attachMedia(this.video);
  }

  /** Whether t can be jumped to with the playlist as loaded. */
  reaches(t) {
    if (!this.hls) return t <= (this.video.seekable.length ? this.video.seekable.end(this.video.seekable.length - 1) : 0);
    return t < (this.edge ?? 0) - 0.1;
  }

  /** Fetch the playlist again at once instead of at its next turn. */
  reload() {
    this.hls?.stopLoad();
    this.hls?.startLoad(this.video.currentTime);
  }

  failed({ fatal, type, response, details, frag }) {
    // What is not there is not tried again: hls.js goes on behind it. After other failures it stops loading for good.
    const missing = response?.code >= 400 && response.code < 500;
    const ofAnAd = frag && details in OF_A_CLIP && (fatal || missing) && !this.tell("clip", { at: frag.start, code: OF_A_CLIP[details] });
    if (!fatal) return;
    this.halted = Boolean(ofAnAd);
    if (this.halted) return;
    if (GONE.has(response?.code)) return this.tell("gone", response.code);
    if (type === Hls.ErrorTypes.MEDIA_ERROR && this.recoveries < MOST_RECOVERIES) {
      this.recoveries += 1;
      this.hls.recoverMediaError();
    } else if (type === Hls.ErrorTypes.NETWORK_ERROR) {
      this.networkTries += 1;
      this.tell("network", this.networkTries);
      this.again = setTimeout(() => this.hls?.startLoad(), Math.min(3000, 500 * 2 ** this.networkTries));
    } else {
      this.tell("broken", details);
    }
  }

  get bufferedUntil() {
    const { buffered, currentTime } = this.video;
    for (let at = 0; at < buffered.length; at += 1) if (buffered.start(at) <= currentTime + 0.1 && buffered.end(at) > currentTime) return buffered.end(at);
    return currentTime;
  }

  get droppedFrames() {
    return this.video.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0;
  }

  close() {
    clearTimeout(this.again);
    this.hls?.destroy();
    this.hls = null;
    this.edge = 0;
  }

  /** False when a listener took it upon itself. */
  tell(name, detail) {
    return this.dispatchEvent(new CustomEvent(name, { detail, cancelable: true }));
  }
}
