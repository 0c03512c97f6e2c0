// Rows scroll by touch and wheel on their own; arrows and arrow keys are added here.
const NEARLY_A_PAGE = 0.86;

export function enhanceRows(root) {
  for (const frame of root.querySelectorAll(".row-frame")) enhance(frame);
}

function enhance(frame) {
  const track = frame.querySelector(".row-track");
  const before = frame.querySelector(".row-arrow.before");
  const after = frame.querySelector(".row-arrow.after");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const scroll = (direction) =>
    track.scrollBy({ left: direction * track.clientWidth * NEARLY_A_PAGE, behavior: calm.matches ? "auto" : "smooth" });
  const refresh = () => {
    before.hidden = track.scrollLeft < 8;
    after.hidden = track.scrollLeft + track.clientWidth > track.scrollWidth - 8;
  };
  before.addEventListener("click", () => scroll(-1));
  after.addEventListener("click", () => scroll(1));
  track.addEventListener("scroll", refresh, { passive: true });
  new ResizeObserver(refresh).observe(track);
  track.addEventListener("keydown", (event) => moveFocus(event, track));
}

function moveFocus(event, track) {
  const tiles = [...track.querySelectorAll(".tile")];
  const at = tiles.indexOf(event.target.closest(".tile"));
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tiles.length - 1 }[event.key];
  if (at < 0 || to === undefined || !tiles[to]) return;
  event.preventDefault();
  tiles[to].focus();
  tiles[to].scrollIntoView({ inline: "nearest", block: "nearest" });
}
