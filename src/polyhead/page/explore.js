// Explore: a file of rows on a map, coloured by a head's answer or a column; lasso, search by meaning, download.

import { analyse, parquet } from "./api.js";
import { count, el, fill } from "./dom.js";
import { makeMap } from "./map.js";
import { components, nearest, normalized } from "./pca.js";
import { download, parse, textColumn, toCsv, toJsonl } from "./rows.js";

const MOST = 10000;
const AT_ONCE = 64;
const SHOWN = 100;

export function exploreView(place, state) {
  const file = el("input", { type: "file", id: "file", accept: ".csv,.tsv,.jsonl,.ndjson,.json,.txt", "aria-label": "A file of rows" });
  const pasted = el("textarea", { id: "rows", rows: 4, "aria-label": "Rows, a text a line", placeholder: "… or paste: a text a line, CSV with its header, or JSON objects" });
  const column = el("select", { id: "column", "aria-label": "Column with the text" });
  const go = el("button", { type: "button", class: "primary", id: "go", onclick: run }, "Draw the map");
  const cancel = el("button", { type: "button", class: "small", hidden: true, onclick: () => running?.abort() }, "Stop");
  const progress = el("progress", { max: 1, value: 0, hidden: true, "aria-label": "Rows that are answered" });
  const note = el("p", { class: "quiet", role: "status" }, `CSV, JSONL or text; ${count(MOST)} rows at most. Nothing is kept on the server.`);
  const found = el("div", { class: "stack", hidden: true });
  const canvas = el("canvas", { id: "points", class: "points", role: "img", "aria-label": "The rows' embeddings in two dimensions; the table beside has them as text" });
  const colour = el("select", { id: "colour", "aria-label": "Colour by" });
  const legend = el("ul", { class: "legend" });
  const search = el("input", { id: "search", type: "search", placeholder: "Search by meaning", "aria-label": "Search by meaning" });
  const side = el("div", { class: "card", "aria-live": "polite", id: "chosen" });
  let [given, rows, results, vectors, running] = [[], [], [], [], null];
  let drawn = {};  // the column and the model of what is on the map, whatever is chosen meanwhile

  fill(place, el("div", { class: "stack" },
    el("div", { class: "card stack" }, el("div", { class: "head" }, el("h2", {}, "Rows"), el("label", { class: "row quiet", for: "column" }, "text in", column)), file, pasted,
      el("div", { class: "row" }, go, cancel, progress), note),
    found));
  fill(found, el("div", { class: "split" },
    el("div", { class: "card" }, el("div", { class: "head" }, el("h2", {}, "Map"), el("label", { class: "row quiet", for: "colour" }, "coloured by", colour)), canvas, legend,
      el("p", { class: "quiet" }, "Draw around points to choose them; click one for its neighbours.")),
    el("div", { class: "stack" }, el("form", { onsubmit: meaning }, search), side)),
    el("div", { class: "row" }, el("button", { type: "button", class: "small", onclick: () => download("labelled.csv", toCsv(labelled()), "text/csv") }, "Download CSV"),
      el("button", { type: "button", class: "small", onclick: () => download("labelled.jsonl", toJsonl(labelled()), "application/jsonl") }, "Download JSONL"),
      el("button", { type: "button", class: "small", onclick: saveParquet }, "Download Parquet")));
  const map = makeMap(canvas, { onPick: neighbours, onLasso: chosen, tip: (number) => text(number) });

  file.addEventListener("change", async () => { if (file.files[0]) take(await file.files[0].text(), file.files[0].name); });
  pasted.addEventListener("input", () => take(pasted.value));
  colour.addEventListener("change", paint);
  const text = (number) => `${rows[number][drawn.column] ?? ""}`;

  function take(content, name) {
    try { given = parse(content, name); } catch (error) { given = []; note.textContent = error.message; return; }
    const names = Object.keys(given[0] ?? {});
    fill(column, names.map((each) => el("option", { value: each }, each)));
    if (given.length) column.value = textColumn(given);
    note.textContent = given.length > MOST ? `${count(given.length)} rows: the first ${count(MOST)} will be read.` : `${count(given.length)} rows.`;
  }

  async function run() {
    const now = { column: column.value, model: state.model };
    const filled = given.slice(0, MOST).filter((row) => `${row[now.column] ?? ""}`.trim());
    if (filled.length < 3) { note.textContent = "Three rows or more make a map."; return; }
    found.hidden = true;
    running = new AbortController();
    [drawn, rows, results, vectors] = [now, filled, [], []];
    for (const each of [progress, cancel]) each.hidden = false;
    go.disabled = true;
    const started = performance.now();
    try {
      for (let start = 0; start < rows.length; start += AT_ONCE) {
        const part = rows.slice(start, start + AT_ONCE).map((row) => `${row[now.column]}`);
        const body = await analyse(now.model, part, undefined, running.signal);
        for (const each of body.results) { vectors.push(normalized(each.embedding)); results.push({ ...each, embedding: undefined }); }
        const share = results.length / rows.length, left = ((performance.now() - started) / 1000) * (1 / share - 1);
        progress.value = share;
        note.textContent = `${count(results.length)} of ${count(rows.length)} rows, about ${Math.ceil(left)} s left`;
      }
      const cut = results.filter((each) => each.truncated).length;
      note.textContent = `${count(rows.length)} rows${cut ? `, ${count(cut)} of them cut` : ""}.`;
    } catch (error) {
      note.textContent = error.name === "AbortError" ? `Stopped after ${count(results.length)} rows.` : error.message;
      rows = rows.slice(0, results.length);
    }
    for (const each of [progress, cancel]) each.hidden = true;
    go.disabled = false;
    if (results.length < 3) return;
    found.hidden = false;
    const answers = Object.keys(results[0]).filter((name) => results[0][name]?.scores);
    fill(colour, answers.map((each) => el("option", { value: `head:${each}` }, each)), Object.keys(rows[0]).filter((each) => each !== drawn.column).map((each) => el("option", { value: `column:${each}` }, `column ${each}`)));
    map.show(components(vectors), results.map(() => 0));
    paint();
    chosen([]);
  }

  const groupOf = (number) => {
    const [kind, name] = [colour.value.slice(0, colour.value.indexOf(":")), colour.value.slice(colour.value.indexOf(":") + 1)];
    const answer = results[number][name];
    return kind === "head" ? answer.label ?? (answer.labels.join(", ") || "none") : `${rows[number][name] ?? ""}`;
  };

  function groups(numbers) {
    const counts = new Map();
    for (const number of numbers) counts.set(groupOf(number), (counts.get(groupOf(number)) ?? 0) + 1);
    return [...counts].sort((one, other) => other[1] - one[1]);
  }

  function paint() {
    if (!colour.value) { fill(legend); return; }
    const all = groups(results.keys());
    const tone = new Map(all.slice(0, 7).map(([name], place) => [name, place]));
    map.colour(results.map((_, number) => tone.get(groupOf(number)) ?? 7));
    fill(legend, all.slice(0, 7).map(([name, own], place) => el("li", { class: `tone${place}` }, el("i", { "aria-hidden": "true" }), `${name} ${count(own)}`)),
      all.length > 7 ? el("li", { class: "tone7" }, el("i", { "aria-hidden": "true" }), `${all.length - 7} more`) : null);
  }

  function table(title, numbers, scores) {
    fill(side, el("div", { class: "head" }, el("h2", {}, title), numbers.length > SHOWN ? el("span", { class: "quiet" }, `the first ${SHOWN}`) : null),
      colour.value && !scores ? el("p", { class: "quiet" }, groups(numbers).slice(0, 6).map(([name, own]) => `${name} ${own}`).join(" · ")) : null,
      el("div", { class: "scroll", tabindex: 0 }, el("table", { class: "facts" }, el("tbody", {}, numbers.slice(0, SHOWN).map((number, place) => el("tr", {}, el("td", { dir: "auto" }, text(number)),
        el("td", { class: "number" }, scores ? scores[place].toFixed(2) : colour.value ? groupOf(number) : "")))))));
  }

  function chosen(numbers) {
    map.mark(numbers);
    table(numbers.length ? `${count(numbers.length)} chosen` : `All ${count(results.length)} rows`, numbers.length ? numbers : [...results.keys()]);
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
      const body = await analyse(drawn.model, [search.value], ["embedding"]);
      const near = nearest(vectors, normalized(body.results[0].embedding));
      map.mark(near.map(([, each]) => each));
      table("Nearest in meaning", near.map(([, each]) => each), near.map(([score]) => score));
    } catch (error) { note.textContent = error.message; }
  }

  function labelled() {
    return rows.map((row, number) => {
      const own = { ...row };
      for (const [head, answer] of Object.entries(results[number])) {
        const name = head in row ? `${head}_predicted` : head;
        if (answer?.scores) { own[name] = answer.label ?? answer.labels.join("|"); own[`${name}_score`] = answer.score ?? null; }
        else if (answer?.entities) own[name] = JSON.stringify(answer.entities);
        else if (answer?.value !== undefined) own[name] = answer.value;
      }
      return own;
    });
  }

  async function saveParquet() {
    try { download("labelled.parquet", await parquet(labelled())); } catch (error) { note.textContent = error.message; }
  }

  return { refresh() { map.redraw(); } };
}
