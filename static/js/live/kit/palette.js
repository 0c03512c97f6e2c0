// Colours come from the style sheet, so that themes stay in one place; each series also has a dash and a point of its own.

export const COLOURS = 6;
export const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 4], [1, 4]];
export const POINTS = ["circle", "rect", "triangle", "rectRot", "crossRot", "star"];

export function tokens() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return {
    series: Array.from({ length: COLOURS }, (_, at) => of(`--c${at + 1}`)),
    ink: of("--ink"),
    ink2: of("--ink-2"),
    ink3: of("--ink-3"),
    line: of("--line"),
    ground: of("--raised"),
    good: of("--good"),
    bad: of("--bad"),
    warn: of("--warn"),
    heat: of("--heat"),
    font: of("--font"),
    size: Number.parseFloat(style.fontSize) * 0.75, // grows with the type of a wall
  };
}

/** ``colour`` (#rrggbb) with an opacity of ``part``. */
export const faint = (colour, part) => `${colour}${Math.round(part * 255).toString(16).padStart(2, "0")}`;
