// Explore: a file of rows on a map, coloured by a head's answer or a column; lasso, search by meaning, download.

import { analyse, patiently } from "./api.js";
import { count, el, fill } from "./dom.js";
import { downloads, labelled } from "./downloads.js";
import { choices, grouping } from "./groups.js";
import { makeMap } from "./map.js";
import { components, nearest, normalized } from "./pca.js";
import { rowSource } from "./source.js";

const MOST = 10000;
const AT_ONCE = 64;
const SHOWN = 100;

export function exploreView(place, state) {
  const go = el("button", { type: "button", class: "primary", id: "go", onclick: run }, "Draw the map");
  const cancel = el("button", { type: "button", class: "small", hidden: true, onclick: () => running?.abort() }, "Stop");
  const progress = el("progress", { max: 1, value: 0, hidden: true, "aria-label": "Rows that are answered" });
  const note = el("p", { class: "quiet", role: "status" }, `CSV, JSON, JSONL or text; ${count(MOST)} rows at most. Nothing is kept on the server.`);
  const wrong = el("p", { class: "note bad", role: "alert", hidden: true });
  const source = rowSource(MOST, { say, fail });
  const found = el("div", { class: "stack", hidden: true });
  const canvas = el("canvas", { id: "points", class: "points", role: "img", "aria-label": "The rows' embeddings in two dimensions; the table beside has them as text" });
  const colour = el("select", { id: "colour", "aria-label": "Colour by" });
  const legend = el("ul", { class: "legend" });
  const search = el("input", { id: "search", type: "search", placeholder: "Search by meaning", "aria-label": "Search by meaning" });
  const side = el("div", { class: "card", "aria-live": "polite", id: "chosen" });
  const drawnBy = el("span", { class: "quiet", id: "drawn-by" });
  const redraw = el("button", { type: "button", class: "small", id: "redraw", hidden: true, onclick: run });
  let [given, rows, results, vectors, running, groups] = [[], [], [], [], null, null];
  let again = () => {};  // shows the table that is there once more
  let drawn = {};  // the column and the model of what is on the map, whatever is chosen meanwhile

  fill(place, el("div", { class: "stack" },
    el("div", { class: "card stack" }, el("div", { class: "head" }, el("h2", {}, "Rows"), source.picked), source.file, source.pasted,
      el("div", { class: "row" }, go, cancel, progress), el("div", {}, note, wrong)),
    found));
  fill(found, el("div", { class: "split" },
    el("div", { class: "card" },
      el("div", { class: "head" }, el("div", { class: "row" }, el("h2", {}, "Map"), drawnBy, redraw), el("label", { class: "row quiet", for: "colour" }, "coloured by", colour)), canvas, legend,
      el("p", { class: "quiet hint" }, "Draw around points, or take a name of the legend, to choose them; click a point, or its text in the table, for its neighbours.",
        el("span", { class: "touch" }, " On a touch screen start sideways to draw: up and down moves the page."))),
    el("div", { class: "stack" }, el("form", { onsubmit: meaning }, search), side)),
    downloads(() => labelled(rows, results), fail));
  const map = makeMap(canvas, { onPick: neighbours, onLasso: chosen, tip: (number) => text(number) });

  colour.addEventListener("change", () => { paint(); again(); });
  const text = (number) => `${rows[number][drawn.column] ?? ""}`;

  function say(text) { wrong.hidden = true; note.textContent = text; }

  function fail(text) {
    note.textContent = "";
    wrong.hidden = false;
    wrong.textContent = text;
    wrong.scrollIntoView({ block: "nearest" });
  }

  // Which model the map is of, and a way to another that was chosen since.
  function byModel() {
    drawnBy.textContent = `by ${drawn.model}`;
    redraw.hidden = !drawn.model || drawn.model === state.model;
    redraw.textContent = `Draw again with ${state.model}`;
  }

  async function run() {
    const now = { column: source.column(), model: state.model };
    given = source.rows();
    const read = given.slice(0, MOST);
    const filled = read.filter((row) => `${row[now.column] ?? ""}`.trim());
    if (filled.length < 3) { fail("Three rows or more make a map."); return; }
    found.hidden = true;
    running = new AbortController();
    [drawn, rows, results, vectors] = [now, filled, [], []];
    for (const each of [progress, cancel]) each.hidden = false;
    go.disabled = true;
    const started = performance.now(), { signal } = running;
    const size = Math.min(AT_ONCE, state.infos[now.model].max_client_batch_size);
    try {
      for (let start = 0; start < rows.length; start += size) {
        const part = rows.slice(start, start + size).map((row) => `${row[now.column]}`);
        const body = await patiently(() => analyse(now.model, part, undefined, signal), signal);
        const bad = body.results.findIndex((each) => each.error);
        if (bad >= 0) throw new Error(`Row ${start + bad + 1}: ${body.results[bad].error.message}`);
        for (const each of body.results) { vectors.push(normalized(each.embedding)); results.push({ ...each, embedding: undefined }); }
        const share = results.length / rows.length, left = ((performance.now() - started) / 1000) * (1 / share - 1);
        progress.value = share;
        say(`${count(results.length)} of ${count(rows.length)} rows, about ${Math.ceil(left)} s left`);
      }
      const cut = results.filter((each) => each.truncated).length, empty = read.length - rows.length;
      say([`${count(rows.length)} rows`, cut && `${count(cut)} of them cut at ${state.infos[now.model].max_input_length} tokens`,
        empty && `${count(empty)} without a text left out`, given.length > MOST && `${count(given.length - MOST)} beyond the first ${count(MOST)} not read`].filter(Boolean).join(", ") + ".");
    } catch (error) {
      if (error.name === "AbortError") say(`Stopped after ${count(results.length)} rows.`); else fail(error.message);
      rows = rows.slice(0, results.length);
    }
    for (const each of [progress, cancel]) each.hidden = true;
    const points = results.length < 3 ? null : await components(vectors);
    go.disabled = false;
    if (!points) return;
    found.hidden = false;
    byModel();
    fill(colour, choices(results, rows, drawn.column).map(({ value, label }) => el("option", { value }, label)));
    map.show(points, results.map(() => 0));
    paint();
    chosen(null);
  }

  function paint() {
    groups = colour.value ? grouping(colour.value, results, rows) : null;
    if (!groups) { fill(legend); return; }
    map.colour(results.map((_, number) => groups.toneOf(number)));
    const [shown, rest] = [groups.names.filter(([name]) => groups.tone(name) !== 7), groups.names.filter(([name]) => groups.tone(name) === 7)];
    const pick = (names) => () => chosen([...results.keys()].filter((number) => names.includes(groups.nameOf(number))));
    const entry = (tone, name, names) => el("li", { class: `tone${tone}` }, el("button", { type: "button", class: "plain", onclick: pick(names) }, el("i", { "aria-hidden": "true" }), name));
    fill(legend, shown.map(([name, own]) => entry(groups.tone(name), `${name || "(empty)"}${groups.steps ? ":" : ""} ${count(own)}`, [name])),
      rest.length ? entry(7, rest.length > 1 ? `${count(rest.length)} more` : `${rest[0][0] || "(empty)"} ${count(rest[0][1])}`, rest.map(([name]) => name)) : null);
  }

  // How many of these are in which group, the largest first.
  function counted(numbers) {
    const counts = new Map();
    for (const number of numbers) counts.set(groups.nameOf(number), (counts.get(groups.nameOf(number)) ?? 0) + 1);
    return [...counts].sort((one, other) => other[1] - one[1]);
  }

  function table(title, numbers, scores) {
    again = () => table(title, numbers, scores);
    fill(side, el("div", { class: "head" }, el("h2", {}, title), numbers.length > SHOWN ? el("span", { class: "quiet" }, `the first ${SHOWN}`) : null),
      groups && !scores ? el("p", { class: "quiet", id: "counts" }, counted(numbers).slice(0, 6).map(([name, own]) => `${name || "(empty)"} ${count(own)}`).join(" · ")) : null,
      numbers.length ? el("div", { class: "scroll", tabindex: 0 }, el("table", { class: "facts rows" },
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, drawn.column || "text"), scores || groups ? el("th", { scope: "col", class: scores ? "number" : "group" }, scores ? "cosine" : colour.selectedOptions[0].textContent) : null)),
        el("tbody", {}, numbers.slice(0, SHOWN).map((number, place) => el("tr", {},
          el("td", { dir: "auto" }, el("button", { type: "button", class: "plain text", title: "Its neighbours", onclick: () => neighbours(number) }, text(number))),
          scores || groups ? el("td", { class: scores ? "number" : "group" }, scores ? scores[place].toFixed(2) : groups.nameOf(number)) : null))))) : null);
  }

  // These rows, or all where nothing is chosen.
  function chosen(numbers) {
    map.mark(numbers);
    table(numbers ? `${count(numbers.length)} chosen` : `All ${count(results.length)} rows`, numbers ?? [...results.keys()]);
  }

  function neighbours(number) {
    const near = nearest(vectors, vectors[number]);
    map.mark(near.map(([, each]) => each));
    table("Its neighbours", near.map(([, each]) => each), near.map(([score]) => score));
  }

  async function meaning(event) {
    event.preventDefault();
    if (!search.value.trim() || !vectors.length) return;
    try {
      // Models that tell questions from documents have a prompt for them.
      const prompt = state.infos[drawn.model].prompts.includes("query") ? { prompt_name: "query" } : {};
      const body = await analyse(drawn.model, [search.value], ["embedding"], undefined, prompt);
      wrong.hidden = true;
      if (body.results[0].truncated) say(`Only the first ${state.infos[drawn.model].max_input_length} tokens of the search were read.`);
      const near = nearest(vectors, normalized(body.results[0].embedding));
      map.mark(near.map(([, each]) => each));
      table("Nearest in meaning", near.map(([, each]) => each), near.map(([score]) => score));
    } catch (error) { fail(error.message); }
  }

  return { refresh() { map.redraw(); byModel(); } };
}
