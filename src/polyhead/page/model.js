// Model: heads, labels, what the training's validation said, curves; and the server's queue, live.

import { get, history } from "./api.js";
import { card } from "./card.js";
import { chart, figure, headline } from "./chart.js";
import { count, el, fill } from "./dom.js";

const EVERY = 2000;
const LABELS = 20;

// Names break after what joins their words, if they must, and nowhere else.
const broken = (name) => name.split(/(?<=[_./-])/).flatMap((part, place) => (place ? [el("wbr"), part] : [part]));

const labels = (own) => (own.length > LABELS ? el("details", {}, el("summary", {}, `${count(own.length)} labels`), own.join(", ")) : own.join(", ") || "–");

export function modelView(place, state) {
  const facts = el("div", { class: "stack" });
  const live = el("div", { class: "tiles", id: "live" });
  fill(place, el("div", { class: "stack" }, el("div", { class: "card" }, el("div", { class: "head" }, el("h2", {}, "The server, now")), live), facts));
  let before, timer, latest;

  const tile = (value, name) => el("div", { class: "tile" }, el("b", {}, value), el("span", { class: "quiet" }, name));

  async function tick() {
    clearTimeout(timer);
    if (place.hidden) return;
    try {
      const now = await get("/v1/status");
      const passed = before ? now.seconds - before.seconds : 0;
      const rate = (name) => (passed > 0 ? (now[name] - before[name]) / passed : 0);
      const asked = now.cache_hits + now.cache_misses;
      fill(live, tile(count(now.queue_texts), "texts wait"), tile(count(now.requests_open - 1), "requests under way"), tile(count(rate("texts")), "texts a second"),
        tile(count(rate("tokens")), "tokens a second"), tile(asked ? `${Math.round((100 * now.cache_hits) / asked)} %` : "–", "answers remembered"), tile(count(now.texts), "texts so far"));
      before = now;
    } catch (error) {
      fill(live, el("p", { class: "note bad", role: "alert" }, error.message));
    }
    timer = setTimeout(tick, EVERY);
  }

  async function refresh() {
    const info = state.infos[state.model];
    const rows = [["Name", info.model_id], ["Backbone computes in", info.model_dtype], ["Embedding", `${info.embedding_width} numbers, ${info.model_type.embedding.pooling} pooling`],
      ["Reads", `${info.max_input_length} tokens of a text`], ["Prompts", info.prompts.join(", ") || "none"], ["Hash", info.model_sha.slice(0, 16)]];
    const heads = Object.entries(info.heads);
    const table = heads.length ? el("div", { class: "sideways", tabindex: 0 }, el("table", { class: "facts kinds" },
      el("thead", {}, el("tr", {}, ["head", "kind", "labels"].map((each) => el("th", { scope: "col" }, each)))),
      el("tbody", {}, heads.map(([name, each]) => el("tr", {}, el("th", { scope: "row" }, broken(name)), el("td", { class: "kind" }, each.level === "pair" ? `${each.kind} of pairs` : each.kind), el("td", { dir: "auto" }, labels(each.labels)))))))
      : el("p", { class: "empty" }, "This model has no heads.");
    fill(facts, el("div", { class: "split" },
      el("div", { class: "card" }, el("div", { class: "head" }, el("h2", {}, "Encoder")), el("table", { class: "facts" }, el("tbody", {}, rows.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)))))),
      el("div", { class: "card" }, el("div", { class: "head" }, el("h2", {}, heads.length === 1 ? "1 head" : `${heads.length} heads`)), table)));
    tick();
    const own = latest = Symbol(state.model);
    const found = await history(state.model).catch(() => ({ rows: [], card: "" }));
    if (own !== latest) return;  // another was asked for meanwhile
    if (found.rows.length) facts.append(curves(found.rows));
    if (found.card) facts.append(el("div", { class: "card" }, el("div", { class: "head" }, el("h2", {}, "Card")), card(found.card)));
  }

  function curves(rows) {
    const keys = headline(rows);
    const best = rows.find((row) => row.best_epoch) ?? rows.findLast((row) => row.best) ?? rows.at(-1);
    const width = Math.max(340, Math.min(1100, place.clientWidth - 60));
    return el("div", { class: "card" }, el("div", { class: "head" }, el("h2", {}, "Validation, over the epochs of its training"), el("span", { class: "quiet" }, `epoch ${best.epoch} was kept`)),
      chart(rows, keys, { width, name: "validation metrics" }),
      el("ul", { class: "legend" }, keys.map((key, tone) => el("li", { class: `tone${tone}` }, el("i", { "aria-hidden": "true" }), `${key.slice(5).replaceAll("_", " ")} ${figure(best[key], keys)}`))),
      el("details", {}, el("summary", {}, "All that was measured, of that epoch"), el("table", { class: "facts", id: "metrics" }, el("tbody", {},
        Object.entries(best).filter(([key, value]) => key.startsWith("eval_") && typeof value === "number").map(([key, value]) =>
          el("tr", {}, el("th", { scope: "row" }, key.slice(5).replaceAll("_", " ")), el("td", { class: "number" }, value.toFixed(4))))))));
  }

  return { refresh };
}
