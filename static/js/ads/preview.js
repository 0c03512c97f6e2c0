// Plays an ad's clip in the admin. hls.js is fetched only when somebody asks to see one.
const HLS = "/static/vendor/hls.js/hls.min.mjs";

async function attach(video) {
  if (video.dataset.attached) return;
  video.dataset.attached = "yes";
  const { default: Hls } = await import(HLS);
  if (!Hls.isSupported()) {
    video.src = video.dataset.playlist;
    return;
  }
  const hls = new Hls({ enableWorker: false });
  hls.loadSource(video.dataset.playlist);
  hls.attachMedia(video);
  hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
}

document.addEventListener("click", (event) => {
  if (event.target instanceof HTMLVideoElement && event.target.dataset.playlist) attach(event.target);
}, true);
document.addEventListener("pointerenter", (event) => {
  if (event.target instanceof HTMLVideoElement && event.target.dataset.playlist) attach(event.target);
}, true);
