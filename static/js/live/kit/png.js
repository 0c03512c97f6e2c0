// A figure as a picture that explains itself: title, what it is of, legend, and the chart on the theme's ground.

import { fileName, save } from "./download.js";
import { heatPart, heatRange, heatRows } from "./heat.js";

const EDGE = 24;

export function savePng({ title, caption, look, canvas, heat, legend }) {
  const ratio = canvas ? canvas.width / canvas.clientWidth : 2;
  const size = canvas ? { width: canvas.clientWidth, height: canvas.clientHeight } : { width: 900, height: 320 };
  const top = EDGE + 52 + (legend.length > 1 ? 26 : 0);
  const picture = document.createElement("canvas");
  picture.width = (size.width + 2 * EDGE) * ratio;
  picture.height = (size.height + top + EDGE) * ratio;
  const ctx = picture.getContext("2d");
  ctx.scale(ratio, ratio);
  ctx.fillStyle = look.ground;
  ctx.fillRect(0, 0, picture.width, picture.height);
  words(ctx, title, EDGE, EDGE + 16, `650 18px ${look.font}`, look.ink);
  words(ctx, caption, EDGE, EDGE + 38, `13px ${look.font}`, look.ink2);
  if (legend.length > 1) keys(ctx, legend, EDGE, EDGE + 60, look);
  if (canvas) ctx.drawImage(canvas, EDGE, top, size.width, size.height);
  else if (heat) cells(ctx, heat, { x: EDGE, y: top, ...size }, look);
  picture.toBlob((blob) => save(blob, fileName(title, "png")), "image/png");
}

function words(ctx, text, x, y, font, colour, align = "left") {
  Object.assign(ctx, { font, fillStyle: colour, textAlign: align });
  ctx.fillText(text, x, y);
}

function keys(ctx, legend, left, y, look) {
  let x = left;
  for (const { name, ink, dash } of legend) {
    ctx.strokeStyle = ink;
    ctx.lineWidth = 2.4;
    ctx.setLineDash(dash);
    ctx.beginPath();
    ctx.moveTo(x, y - 4);
    ctx.lineTo(x + 26, y - 4);
    ctx.stroke();
    words(ctx, name, x + 32, y, `12px ${look.font}`, look.ink2);
    x += 32 + ctx.measureText(name).width + 18;
  }
  ctx.setLineDash([]);
}

function cells(ctx, heat, area, look) {
  const range = heatRange(heat) ?? [0, 0];
  const left = area.x + 90;
  const [wide, high] = [(area.width - 90) / heat.columns.length, (area.height - 24) / heat.rows.length];
  heat.columns.forEach((name, at) => words(ctx, String(name), left + (at + 0.5) * wide, area.y + 12, `11px ${look.font}`, look.ink2, "center"));
  heatRows(heat).forEach((row, at) => {
    const y = area.y + 20 + at * high;
    words(ctx, String(heat.rows[at]), area.x, y + high / 2 + 4, `11px ${look.font}`, look.ink2);
    row.forEach((cell, column) => {
      ctx.globalAlpha = cell.value === null ? 0.08 : 0.1 + 0.9 * heatPart(cell.value, range);
      ctx.fillStyle = cell.value === null ? look.ink3 : look.heat;
      ctx.fillRect(left + column * wide + 1, y + 1, wide - 2, high - 2);
    });
  });
  ctx.globalAlpha = 1;
}
