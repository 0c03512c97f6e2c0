// The retention curve, and its bumps, dips and drops as buttons: each leads to the decisions in its scene.

import { button, make, setText } from "../kit/dom.js";
import { figure } from "../kit/figure.js";

const KINDS = { bump: { kind: "good", label: "again" }, dip: { kind: "warn", label: "passed over" }, drop: { kind: "bad", label: "left" } };

export function curve({ write, chosen }) {
  const chart = figure("curve", { kind: "line", x: "number", xUnit: "seconds", xLabel: "into the film", unit: "share", height: 340, min: 0, empty: "Nobody has seen a moment of it yet" });
  const list = document.getElementById("marks");
  let moments = [];

  chart.element.querySelector(".figure-box").addEventListener("click", ({ offsetX, target }) => {
    const drawn = target instanceof HTMLCanvasElement && window.Chart?.getChart(target);
    if (!drawn) return;
    const second = drawn.scales.x.getValueForPixel(offsetX);
    const moment = moments.findLast((one) => one.at <= second);
    if (moment) chosen(moment.scene);
  });

  return (body) => {
    moments = body.moments;
    chart.draw(body.views ? data(body, write) : null);
    drawMarks(list, body, chosen);
  };
}

function data({ moments, marks, scenes, views, like_titles: alike, days }, write) {
  const names = new Map(scenes.map((scene) => [scene.id, scene.name]));
  const said = (one) => `${names.get(one.scene)}${one.left ? `, ${write.count(one.left)} left here` : ""}${one.skipped ? `, ${write.count(one.skipped)} passed over it` : ""}`;
  // Optional scenes play for few: in one line with the others they would look as if everybody left.
  const optional = new Set(scenes.filter((scene) => scene.optional).map((scene) => scene.id));
  const of = (value, wanted = false) => moments.map((one) => (optional.has(one.scene) === wanted ? value(one) : null));
  const series = [
    { name: "Saw it", values: of((one) => one.saw.value), low: of((one) => one.saw.low), high: of((one) => one.saw.high), notes: moments.map(said) },
    { name: "Views, again included", values: of((one) => one.retention) },
  ];
  if (moments.some((one) => one.usual !== null)) {
    series.push({ name: "Usual of like length", note: `${write.count(alike)} ${alike === 1 ? "title" : "titles"}`, values: moments.map((one) => one.usual), dashed: true });
  }
  if (optional.size) series.push({ name: "Saw it, optional scenes", colour: 4, values: of((one) => one.saw.value, true), low: of((one) => one.saw.low, true), high: of((one) => one.saw.high, true), notes: moments.map(said) });
  return {
    x: moments.map((one) => one.at),
    series,
    marks: marks.map((one) => ({ x: one.from, ...KINDS[one.kind] })),
    caption: `${write.count(views)} views in ${days} days`,
  };
}

function drawMarks(list, { marks, views }, chosen) {
  const signature = JSON.stringify([marks, views > 0]);
  if (list.drawn === signature) return;
  list.drawn = signature;
  list.replaceChildren(
    ...marks.map((one) => {
      const press = button(one.words, () => chosen(one.scene));
      press.dataset.kind = one.kind;
      return make("li", "", press);
    }),
  );
  if (!marks.length) setText(list.appendChild(make("li", "muted")), views ? "None stands out beyond chance." : "Nothing yet.");
}
