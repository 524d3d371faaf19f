// Curves over epochs as SVG: shares in per cent, or as they are where one is a correlation, which may be below 0; or
// losses from 0 up. Marks are at round numbers.

import { svg } from "./dom.js";

const MARKS = 5;

// The keys that are numbers in any of the rows: a value may be missing, in the last row too.
export const numbersOf = (rows) => [...new Set(rows.flatMap(Object.keys))].filter((key) => rows.some((row) => typeof row[key] === "number"));

export const headline = (rows) => numbersOf(rows)
  .filter((key) => /^eval_.*_(accuracy|span_f1|average_precision|spearman|mrr)$/.test(key) && !/(token|piece)_accuracy/.test(key)).slice(0, 8);

const asTheyAre = (keys) => keys.some((key) => key.endsWith("_spearman"));

// A value as the chart of these metrics shows it.
export const figure = (value, keys) => typeof value !== "number" ? "–" : asTheyAre(keys) ? value.toFixed(3) : `${(100 * value).toFixed(1)} %`;

// Round numbers from below the least to above the greatest, about MARKS of them.
function marksOf(least, greatest) {
  const rough = (greatest - least) / MARKS || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((each) => each * power >= rough * 0.999);
  const first = Math.floor(least / step + 1e-9), last = Math.ceil(greatest / step - 1e-9);
  return { step, marks: Array.from({ length: last - first + 1 }, (_, place) => (first + place) * step) };
}

// `thin` are keys of thin lines, each beside the line of `keys` in its place.
export function chart(rows, keys, { width, name, losses = false, thin = [] }) {
  const [height, left, low] = [256, 48, 30];
  const plain = losses || asTheyAre(keys), factor = plain ? 1 : 100;
  const values = [...keys, ...thin].flatMap((key) => rows.map((row) => row[key]).filter((each) => typeof each === "number"));
  const { step, marks } = losses ? marksOf(0, Math.max(...values, 0) || 1) : marksOf(factor * Math.min(...values, 0.95), factor);
  const [floor, top] = [marks[0], marks.at(-1)];
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const x = (place) => left + 6 + (rows.length > 1 ? (place / (rows.length - 1)) * (width - left - 22) : 0);
  const y = (value) => 8 + (1 - (value - floor) / (top - floor)) * (height - low - 8);
  const drawn = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${keys.length} ${name} over ${rows.length} epochs; the figures are below` });
  for (const value of marks) {
    drawn.append(svg("line", { class: "grid", x1: left, x2: width - 8, y1: y(value), y2: y(value) }), svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, `${value.toFixed(digits)}${plain ? "" : " %"}`));
  }
  drawn.append(svg("text", { x: left - 6, y: height - 6, "text-anchor": "end" }, "epoch"));
  const apart = Math.ceil(rows.length / (rows.length <= 16 ? 16 : 12));
  rows.forEach((row, place) => { if (place % apart === 0) drawn.append(svg("text", { x: x(place), y: height - 6, "text-anchor": "middle" }, String(row.epoch))); });
  const line = (key, tone, stroke, r) => {
    const points = rows.flatMap((row, place) => (typeof row[key] === "number" ? [[x(place), y(factor * row[key])]] : []));
    const path = svg("path", { class: `tone${tone}`, d: points.map(([a, b], place) => `${place ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("") });
    path.style.strokeWidth = stroke;
    drawn.append(path, ...points.map(([a, b]) => svg("circle", { class: `tone${tone}`, cx: a, cy: b, r })));
  };
  keys.forEach((key, tone) => line(key, tone, 2, 3));
  thin.forEach((key, tone) => { if (key) line(key, tone, 0.8, 1.5); });
  return drawn;
}
