// Whether a video is on screen: at least half of its picture inside the window, in a page that is shown. A small window of the
// browser's own (picture in picture) lies over everything.
const HALF = 0.5;

export class InView {
  constructor(video) {
    this.video = video;
    this.share = 0;
    const observer = new IntersectionObserver((entries) => (this.share = entries.at(-1).intersectionRatio), { threshold: [0, HALF, 1] });
    observer.observe(video);
  }

  get now() {
    if (document.pictureInPictureElement === this.video) return true;
    return document.visibilityState === "visible" && this.share >= HALF;
  }
}
