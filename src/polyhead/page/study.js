// A study's pictures: each metric's means and intervals by plan, and the validation score over the time that it took.

import { el, fill, svg } from "./dom.js";
import "./theme.js";

const study = JSON.parse(document.getElementById("data").textContent);
const [ROW, LOW, NAME, TONES] = [24, 26, 132, 8];
const LINES = [["", ""], ["5 4", " (dashed)"], ["1 4", " (dotted)"]];

// Plans that differ in a setting alone differ at their end: what is too long loses its middle.
const short = (text, most) => (text.length > most ? `${text.slice(0, Math.ceil(most / 2) - 1)}…${text.slice(-Math.floor(most / 2))}` : text);
const path = (points) => points.map(([a, b], place) => `${place ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
const tone = (place) => `tone${place % TONES}`;
const line = (place) => LINES[Math.floor(place / TONES) % LINES.length];

// A range around shares, as where they lie from 0 to 1, and round numbers of their `factor` (per cent) in it, about `most`.
function scale(shares, most, factor) {
  const [least, greatest] = [Math.min(...shares), Math.max(...shares)];
  const room = Math.max(0.06 * (greatest - least), 0.001);
  const [low, high] = [least - room, greatest + room];
  const rough = (factor * (high - low)) / most;
  const power = Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * 10 ** power).find((each) => each >= rough);
  const marks = [];
  for (let number = Math.ceil((factor * low) / step); number * step <= factor * high; number += 1) marks.push([(number * step) / factor, (number * step).toFixed(Math.max(0, -power))]);
  return [(share) => (share - low) / (high - low), marks];
}

// Seconds that are 1, 2 or 5 times a power of ten, and the ends where there are not two of these.
function moments(first, last) {
  const found = [];
  for (let power = -3; power < 8; power += 1) found.push(...[1, 2, 5].map((each) => each * 10 ** power));
  const inside = found.filter((each) => each >= first && each <= last);
  return inside.length > 1 ? inside : [...new Set([first, last])];
}

function dots(metric, width) {
  const shown = study.plans.flatMap((plan) => (metric in plan.test ? [[plan.name, ...plan.test[metric]]] : []));
  const alone = study.alone[metric];
  const ends = shown.flatMap(([, mean, half]) => [mean - (half ?? 0), mean + (half ?? 0)]);
  const [share, marks] = scale(alone === undefined ? ends : [...ends, alone], Math.max(2, width / 110), study.metrics[metric]);
  const x = (value) => NAME + share(value) * (width - NAME - 8);
  const bottom = ROW * shown.length + 6;
  const drawn = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${bottom + LOW}`, role: "img", "aria-label": `${metric} of ${shown.length} plans; the figures are in the table above` });
  for (const [value, text] of marks) {
    drawn.append(svg("line", { class: "grid", x1: x(value), x2: x(value), y1: 0, y2: bottom }),
      svg("text", { x: x(value), y: bottom + 17, "text-anchor": "middle" }, text));
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
  const [height, left] = [300, 44];
  const all = study.plans.flatMap((plan) => plan.curves.flat());
  const [first, last] = [Math.min(...all.map(([time]) => time)), Math.max(...all.map(([time]) => time))];
  const [share, marks] = scale(all.map(([, score]) => score), 6, study.score);
  const x = (time) => left + 12 + (Math.log(time / first) / (Math.log(last / first) || 1)) * (width - left - 44);
  const y = (score) => 8 + (1 - share(score)) * (height - LOW - 16);
  const drawn = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "validation score over seconds of training, a line a seed, a colour a plan" });
  for (const [value, text] of marks) {
    drawn.append(svg("line", { class: "grid", x1: left, x2: width - 8, y1: y(value), y2: y(value) }),
      svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, text));
  }
  for (const time of moments(first, last)) drawn.append(svg("text", { x: x(time), y: height - 6, "text-anchor": "middle" }, `${Number(time.toPrecision(2)).toLocaleString("en")} s`));
  study.plans.forEach((plan, place) => plan.curves.forEach((curve) => {
    const points = curve.map(([time, score]) => [x(time), y(score)]);
    drawn.append(svg("path", { class: tone(place), d: path(points), "stroke-dasharray": line(place)[0] }), ...points.map(([a, b]) => svg("circle", { class: tone(place), cx: a, cy: b, r: 2.5 })));
  }));
  const named = study.plans.flatMap((plan, place) => (plan.curves.some((curve) => curve.length) ? [el("li", { class: tone(place) }, el("i", { "aria-hidden": "true" }), plan.name + line(place)[1])] : []));
  return [drawn, el("ul", { class: "legend" }, named)];
}

function draw() {
  const place = document.getElementById("test-metrics");
  const columns = getComputedStyle(place).gridTemplateColumns.split(" ");
  fill(place, Object.keys(study.metrics).map((metric) => dots(metric, Math.max(280, parseFloat(columns[0]) || place.clientWidth))));
  const over = document.getElementById("curves");
  if (over) fill(over, ...curves(Math.max(280, over.clientWidth)));
}
draw();
addEventListener("resize", draw);
