// Loaded before the first paint, so that a light page never flashes dark.
document.documentElement.dataset.theme = localStorage.getItem("live-theme") || (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
if (new URLSearchParams(location.search).get("wall") === "1") document.documentElement.dataset.wall = "yes";
