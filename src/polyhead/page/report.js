// A run's report: all of it is in the page already, but for the curves.

import { chart, headline } from "./chart.js";
import { el, fill } from "./dom.js";
import "./theme.js";

const rows = JSON.parse(document.getElementById("data").textContent).history;
const legend = (keys, value) => el("ul", { class: "legend" }, keys.map((key, tone) => el("li", { class: `tone${tone}` }, el("i", { "aria-hidden": "true" }), `${key === "eval_loss" ? "weighted sum" : key.slice(5).replaceAll("_", " ")} ${value(key)}`)));

function draw() {
  const best = rows.findLast((row) => row.best) ?? rows.at(-1);
  const own = Object.keys(rows.at(-1)).filter((key) => key.startsWith("eval_") && key.endsWith("_loss") && key !== "eval_loss").slice(0, 7);
  const losses = own.length > 1 ? [...own, "eval_loss"] : own;
  for (const [id, keys, name, value] of [["metrics-curve", headline(rows), "metrics", (key) => `${(100 * best[key]).toFixed(1)} %`], ["loss-curve", losses, "losses", (key) => best[key]?.toFixed(3) ?? ""]]) {
    const place = document.getElementById(id);
    if (keys.length) fill(place, chart(rows, keys, { width: Math.max(300, place.clientWidth), name, losses: name === "losses" }), legend(keys, value));
  }
}
if (rows.length) { draw(); addEventListener("resize", draw); }
