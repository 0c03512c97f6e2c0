// Theme, wall and paper: how the page looks. Whatever draws by itself hears "live-look" and draws anew.

const html = document.documentElement;
const tell = () => document.dispatchEvent(new CustomEvent("live-look"));

export function themeButton(button) {
  const light = () => html.dataset.theme === "light";
  const name = () => (button.textContent = light() ? "Dark" : "Light");
  button.addEventListener("click", () => {
    html.dataset.theme = light() ? "dark" : "light";
    localStorage.setItem("live-theme", html.dataset.theme);
    name();
    tell();
  });
  name();
}

/** Paper is light, whatever the screen is; ``button`` prints, where a page has one. */
export function printing(button) {
  let before;
  addEventListener("beforeprint", () => {
    before = html.dataset.theme;
    html.dataset.theme = "light";
    tell();
  });
  addEventListener("afterprint", () => {
    html.dataset.theme = before;
    tell();
  });
  button?.addEventListener("click", () => print());
}

/** Wall mode: larger type and no tools. ?wall=1 opens in it (full screen takes a press of a key or a button); Escape leaves. */
export function wall(button) {
  const on = () => html.dataset.wall === "yes";
  function set(wanted) {
    if (wanted === on()) return;
    if (wanted) html.dataset.wall = "yes";
    else delete html.dataset.wall;
    const url = new URL(location.href);
    if (wanted) url.searchParams.set("wall", "1");
    else url.searchParams.delete("wall");
    history.replaceState(history.state, "", url);
    tell();
  }
  button.addEventListener("click", () => {
    set(true);
    html.requestFullscreen?.().catch(() => {}); // without it the page is a wall in its window
  });
  document.addEventListener("fullscreenchange", () => document.fullscreenElement || set(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && on() && !document.querySelector("dialog[open]")) {
      if (document.fullscreenElement) document.exitFullscreen();
      set(false);
    }
  });
}
