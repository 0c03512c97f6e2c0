// Colours come from the database; the page's policy allows no style attributes, so they are set from data attributes here.
const SAFE = /^#[0-9a-f]{6}$/i;

export function paintTitles(root) {
  for (const element of root.querySelectorAll("[data-accent]")) set(element, "--title-accent", element.dataset.accent);
  for (const element of root.querySelectorAll("[data-backdrop]")) set(element, "--title-backdrop", element.dataset.backdrop);
  for (const element of root.querySelectorAll("[data-colour]")) set(element, "--colour", element.dataset.colour);
}

function set(element, property, colour) {
  if (SAFE.test(colour)) element.style.setProperty(property, colour);
}
