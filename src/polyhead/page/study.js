// A study's pictures: each metric's means and intervals by plan, and the validation score over the time that it took.

import { el, fill, svg } from "./dom.js";
import "./theme.js";

const study = JSON.parse(document.getElementById("data").textContent);
const [ROW, LOW, NAME] = [24, 26, 132];
const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const path = (points) => points.map(([a, b], place) => `${place ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
const dashed = (place) => (place >= 8 ? { "stroke-dasharray": "5 4" } : {});

// At most about `most` round numbers between two.
function ticks(low, high, most) {
  const rough = (high - low || 1) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10);
  return Array.from({ length: Math.floor(high / step) - Math.ceil(low / step) + 1 }, (_, place) => (Math.ceil(low / step) + place) * step);
}

function dots(metric, width) {
  const shown = study.plans.flatMap((plan) => (metric in plan.test ? [[plan.name, ...plan.test[metric]]] : []));
  const alone = study.alone[metric];
  const ends = [...shown.flatMap(([, mean, half]) => [mean - (half ?? 0), mean + (half ?? 0)]), ...(alone === undefined ? [] : [alone])];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const room = 0.06 * (high - low) || 0.01;
  const x = (value) => NAME + ((value - low + room) / (high - low + 2 * room)) * (width - NAME - 8);
  const bottom = ROW * shown.length + 6;
  const drawn = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${bottom + LOW}`, role: "img", "aria-label": `${metric} of ${shown.length} plans; the figures are in the table above` });
  for (const value of ticks(100 * low, 100 * high, Math.max(2, width / 110))) {
    drawn.append(svg("line", { class: "grid", x1: x(value / 100), x2: x(value / 100), y1: 0, y2: bottom }),
      svg("text", { x: x(value / 100), y: bottom + 17, "text-anchor": "middle" }, String(Number(value.toFixed(2)))));
  }
  if (alone !== undefined) drawn.append(svg("line", { class: "diagonal", x1: x(alone), x2: x(alone), y1: 0, y2: bottom }));
  shown.forEach(([name, mean, half], place) => {
    const y = 12 + ROW * place;
    drawn.append(svg("text", { x: NAME - 10, y: y + 4, "text-anchor": "end" }, short(name, 17), svg("title", {}, name)),
      svg("path", { class: "tone0", d: path([[x(mean - (half ?? 0)), y], [x(mean + (half ?? 0)), y]]) }),
      svg("circle", { class: "tone0", cx: x(mean), cy: y, r: 4.5 }));
  });
  return el("div", {}, el("h3", {}, metric), drawn);
}

function curves(width) {
  const [height, left] = [300, 38];
  const all = study.plans.flatMap((plan) => plan.curves.flat());
  const [first, last] = [Math.min(...all.map(([time]) => time)), Math.max(...all.map(([time]) => time))].map(Math.log10);
  const [low, high] = [Math.min(...all.map(([, score]) => score)), Math.max(...all.map(([, score]) => score))];
  const x = (time) => left + ((Math.log10(time) - first) / (last - first || 1)) * (width - left - 14);
  const y = (score) => 8 + (1 - (score - low) / (high - low || 1)) * (height - LOW - 16);
  const drawn = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "validation score over seconds of training, a line a seed, a colour a plan" });
  for (const value of ticks(100 * low, 100 * high, 6)) {
    drawn.append(svg("line", { class: "grid", x1: left, x2: width - 8, y1: y(value / 100), y2: y(value / 100) }),
      svg("text", { x: left - 6, y: y(value / 100) + 4, "text-anchor": "end" }, String(Number(value.toFixed(2)))));
  }
  const marks = [1, 2, 5].flatMap((each) => Array.from({ length: 9 }, (_, power) => each * 10 ** (power - 1))).filter((each) => Math.log10(each) >= first && Math.log10(each) <= last);
  for (const time of marks) drawn.append(svg("text", { x: x(time), y: height - 6, "text-anchor": "middle" }, `${time.toLocaleString("en")} s`));
  study.plans.forEach((plan, place) => plan.curves.forEach((curve) => {
    const points = curve.map(([time, score]) => [x(time), y(score)]);
    drawn.append(svg("path", { class: `tone${place % 8}`, d: path(points), ...dashed(place) }), ...points.map(([a, b]) => svg("circle", { class: `tone${place % 8}`, cx: a, cy: b, r: 2.5 })));
  }));
  const named = study.plans.flatMap((plan, place) => (plan.curves.some((curve) => curve.length) ? [el("li", { class: `tone${place % 8}` }, el("i", { "aria-hidden": "true" }), plan.name + (place >= 8 ? " (dashed)" : ""))] : []));
  return [drawn, el("ul", { class: "legend" }, named)];
}

function draw() {
  const place = document.getElementById("metrics");
  const columns = getComputedStyle(place).gridTemplateColumns.split(" ");
  fill(place, study.metrics.map((metric) => dots(metric, Math.max(280, parseFloat(columns[0]) || place.clientWidth))));
  const over = document.getElementById("curves");
  if (study.plans.some((plan) => plan.curves.flat().length)) fill(over, ...curves(Math.max(280, over.clientWidth)));
}
draw();
addEventListener("resize", draw);
