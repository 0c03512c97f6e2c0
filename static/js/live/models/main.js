// The page of the models: the stream tells who serves and how it stands; what is looked at closer is fetched.

import { livePage } from "../kit/page.js";
import { urlState } from "../kit/state.js";
import { directorPart } from "./director.js";
import { explorer } from "./explorer.js";
import { healthPart } from "./health.js";
import { kindList } from "./kinds.js";
import { runsPart } from "./runs.js";
import { servedPart } from "./served.js";
import { standing } from "./standing.js";
import { versionPart } from "./version.js";

const root = document.getElementById("models");
const page = livePage();
const state = urlState({ kind: "", version: "", span: "", log: "", q: "", decision: "" });
const context = { page, state, root, write: page.write, url: root.dataset.url, mayChange: root.dataset.mayChange === "yes" };
const kinds = kindList(context);
const parts = [standing(context), versionPart(context), healthPart(context), servedPart(context), directorPart(context), runsPart(context)];
let snapshot = null;

function draw() {
  if (!snapshot) return;
  const wanted = state.get().kind;
  const chosen = snapshot.kinds.find(({ kind }) => kind === wanted) ?? snapshot.kinds[0];
  kinds(snapshot.kinds, chosen);
  for (const part of parts) part(chosen, snapshot);
  for (const section of root.querySelectorAll("[data-of]")) section.hidden = !section.dataset.of.split(" ").includes(chosen.kind);
}

page.on("models", (newest) => {
  snapshot = newest;
  draw();
});
state.on(draw);
explorer(context, () => snapshot);
page.watch(["models"]);
