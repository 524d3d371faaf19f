// Curves over epochs as SVG: metrics between 0 and 1 in per cent, or losses from 0 up.

import { svg } from "./dom.js";

export const headline = (rows) => Object.keys(rows.at(-1))
  .filter((key) => key.startsWith("eval_") && !key.endsWith("loss") && typeof rows.at(-1)[key] === "number" && rows.at(-1)[key] >= 0 && rows.at(-1)[key] <= 1)
  .filter((key) => /_(accuracy|span_f1|average_precision|spearman|mrr)$/.test(key) && !/(token|piece)_accuracy/.test(key)).slice(0, 8);

export function chart(rows, keys, { width, name, losses = false }) {
  const [height, left, low] = [250, 38, 24];
  const values = keys.flatMap((key) => rows.map((row) => row[key]).filter((each) => typeof each === "number"));
  const floor = losses ? 0 : Math.max(0, Math.floor(10 * Math.min(...values)) / 10 - 0.05);
  const top = losses ? Math.max(...values) || 1 : 1;
  const x = (place) => left + (rows.length > 1 ? (place / (rows.length - 1)) * (width - left - 12) : 0);
  const y = (value) => 8 + (1 - (value - floor) / (top - floor || 1)) * (height - low - 8);
  const drawn = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${keys.length} ${name} over ${rows.length} epochs; the figures are below` });
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const value = floor + share * (top - floor);
    drawn.append(svg("line", { class: "grid", x1: left, x2: width - 8, y1: y(value), y2: y(value) }), svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, losses ? value.toFixed(2) : (100 * value).toFixed(0)));
  }
  rows.forEach((row, place) => { if (rows.length <= 16 || place % Math.ceil(rows.length / 12) === 0) drawn.append(svg("text", { x: x(place), y: height - 6, "text-anchor": "middle" }, String(row.epoch))); });
  keys.forEach((key, tone) => {
    const points = rows.flatMap((row, place) => (typeof row[key] === "number" ? [[x(place), y(row[key])]] : []));
    drawn.append(svg("path", { class: `tone${tone}`, d: points.map(([a, b], place) => `${place ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("") }), ...points.map(([a, b]) => svg("circle", { class: `tone${tone}`, cx: a, cy: b, r: 3 })));
  });
  return drawn;
}
