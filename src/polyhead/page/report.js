// A run's report: all of it is in the page already, but for the curves.

import { chart, figure, headline, numbersOf } from "./chart.js";
import { el, fill } from "./dom.js";
import "./theme.js";

const rows = JSON.parse(document.getElementById("data").textContent).history;
const best = rows.findLast((row) => row.best) ?? rows.at(-1);

// A task's validation loss with its training loss beside it; the latter alone where there is no validation data.
function losses() {
  const there = new Set(numbersOf(rows));
  const tasks = [...new Set([...there].flatMap((key) => key.match(/^(?:eval|train)_(.+)_loss$/)?.[1] ?? []))].slice(0, 7);
  const keys = tasks.map((task) => (there.has(`eval_${task}_loss`) ? `eval_${task}_loss` : `train_${task}_loss`));
  const thin = tasks.map((task, place) => (keys[place].startsWith("eval_") && there.has(`train_${task}_loss`) ? `train_${task}_loss` : ""));
  const summed = keys.length > 1 && there.has("eval_loss");
  return { keys: summed ? [...keys, "eval_loss"] : keys, thin };
}

function named(key, validated) {
  if (key === "eval_loss") return "weighted sum";
  const name = key.replace(/^(eval|train)_/, "").replaceAll("_", " ");
  return key.startsWith("train_") && validated ? `${name} in training` : name;
}

function legend(keys, value) {
  const validated = keys.some((key) => key.startsWith("eval_"));
  return el("ul", { class: "legend" }, keys.map((key, tone) => el("li", { class: `tone${tone}` }, el("i", { "aria-hidden": "true" }), `${named(key, validated)} ${value(key)}`)));
}

function show(id, keys, options, value) {
  const place = document.getElementById(id);
  if (place === null) return;
  if (keys.length) fill(place, chart(rows, keys, { width: Math.max(300, place.clientWidth), ...options }), legend(keys, value));
  else place.closest(".card").remove();
}

function draw() {
  const metrics = headline(rows), { keys, thin } = losses();
  show("metrics-curve", metrics, { name: "metrics" }, (key) => figure(best[key], metrics));
  show("loss-curve", keys, { name: "losses", losses: true, thin }, (key) => best[key]?.toFixed(3) ?? "–");
}
if (rows.length) { draw(); addEventListener("resize", draw); }
