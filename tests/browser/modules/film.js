// A small film for the tests of the player's pure modules: two scenes, a break of two ads, two scenes, a break still open.
export const scene = (t0, t1, id) => ({ t0, t1, kind: "scene", id, name: `Scene ${id}` });
export const ad = (t0, t1, n, id = 100 + n, breakId = "b1") => ({ t0, t1, kind: "ad", id, n, of: 2, break_id: breakId, token: `token-${breakId}-${n}`, skip_after: 5 });

export const film = {
  version: 3,
  items: [scene(0, 8, 1), scene(8, 16, 2), ad(16, 22, 1), ad(22, 30, 2), scene(30, 40, 3)],
  foreseen: [
    { t0: 40, t1: 50, kind: "break", id: "b2", name: "Ads" },
    { t0: 50, t1: 60, kind: "scene", id: 4, name: "Scene 4" },
  ],
  duration: 60,
  published_until: 40,
  ended: false,
  captions: [],
};
