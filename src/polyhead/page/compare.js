// Compare: sentences against each other, as a map of similarities; a cell shows its pair.

import { analyse } from "./api.js";
import { count, el, fill } from "./dom.js";

const START = ["A cheap flight to Rome", "A bargain on plane tickets", "The vote was close", "Parliament is divided over the bill", "The soup was cold"];
const MOST = 40;
const [FEW, SOME] = [8, 14];  // beside the sentences; with numbers in the cells

const sizeOf = (texts) => (texts.length <= FEW ? "few" : texts.length <= SOME ? "some" : "many");

const cosine = (one, other) => {
  let product = 0, left = 0, right = 0;
  for (let n = 0; n < one.length; n++) { product += one[n] * other[n]; left += one[n] ** 2; right += other[n] ** 2; }
  return product / (Math.sqrt(left * right) || 1);
};

export function compareView(place, state) {
  const input = el("textarea", { id: "sentences", class: "list", "aria-label": "Sentences, one a line" });
  input.value = START.join("\n");
  const note = el("span", { class: "quiet", role: "status" });
  const map = el("div", { class: "card", id: "alike" });
  const pair = el("div", { class: "card", id: "pair", "aria-live": "polite" });
  let running;
  const button = el("button", { type: "button", class: "primary", onclick: run }, "Compare");
  const whole = el("div", { class: "compare few" },
    el("div", { class: "card" }, el("div", { class: "head" }, el("label", { for: "sentences" }, el("h2", {}, "Sentences")), el("span", { class: "quiet" }, `one a line, ${MOST} at most`)),
      input, el("div", { class: "row" }, button, note)),
    map, pair);
  fill(place, whole);

  async function run() {
    const texts = input.value.split("\n").map((each) => each.trim()).filter(Boolean);
    running?.abort();
    pair.classList.remove("chosen");
    fill(pair, el("p", { class: "empty" }, "Choose a cell to see its pair."));
    map.classList.remove("busy");
    note.textContent = "";
    if (texts.length < 2) { fill(map, el("p", { class: "empty" }, "Two sentences or more make a map.")); return; }
    const shown = texts.slice(0, MOST);
    const own = new AbortController();
    running = own;
    map.classList.add("busy");
    try {
      const name = state.model;
      const body = await analyse(name, shown, ["embedding"], own.signal);
      draw(shown, body.results.map((each) => each.embedding), body.results.filter((each) => each.truncated).length);
      note.textContent = `${shown.length} sentences, by ${name}${texts.length > MOST ? `; ${count(texts.length - MOST)} more were left out` : ""}`;
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(map, el("p", { class: "note bad", role: "alert" }, error.message));
    }
    map.classList.remove("busy");
  }

  function draw(texts, vectors, cut) {
    const value = vectors.map((one) => vectors.map((other) => cosine(one, other)));
    const cells = [];
    const choose = (row, column) => {
      for (const line of cells) for (const cell of line) cell.setAttribute("aria-pressed", "false");
      cells[row][column].setAttribute("aria-pressed", "true");
      pair.classList.add("chosen");
      fill(pair, el("div", { class: "pair" },
        el("div", {}, el("div", { class: "value" }, value[row][column].toFixed(3)), el("p", { class: "quiet" }, `cosine of ${row + 1} and ${column + 1}`)),
        el("div", { class: "texts", tabindex: 0, role: "group", "aria-label": "The pair" }, el("q", { dir: "auto" }, texts[row]), el("q", { dir: "auto" }, texts[column]))));
    };
    const move = (event, row, column) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      const next = step && cells[row + step[0]]?.[column + step[1]];
      if (!next) return;
      event.preventDefault();
      for (const line of cells) for (const cell of line) cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    };
    const rows = texts.map((text, row) => {
      cells.push([]);
      return el("tr", {}, el("th", { scope: "row", title: text }, el("span", { class: "n" }, String(row + 1)), el("span", { dir: "auto" }, text)), texts.map((other, column) => {
        const said = value[row][column].toFixed(2);
        const cell = el("button", { type: "button", tabindex: row + column ? -1 : 0, "aria-pressed": "false", vars: { "--heat": `${Math.round(100 * Math.max(0, value[row][column]))}%` },
          "aria-label": `${said}: ${text} and ${other}`, onclick: () => choose(row, column), onkeydown: (event) => move(event, row, column) },
          texts.length <= SOME ? el("span", {}, said) : null);
        cells[row].push(cell);
        return el("td", {}, cell);
      }));
    });
    whole.className = `compare ${sizeOf(texts)}`;
    fill(map, el("div", { class: "head" }, el("h2", {}, "How alike"), el("span", { class: "quiet" }, "cosine of embeddings")),
      cut ? el("p", { class: "note" }, `${cut} of them longer than the ${state.infos[state.model].max_input_length} tokens that are read: cut there`) : null,
      el("div", { class: "map", vars: { "--many": texts.length } }, el("table", {},
        el("thead", {}, el("tr", {}, el("td", {}), texts.map((_, number) => el("th", { scope: "col" }, String(number + 1))))), el("tbody", {}, rows))),
      el("ol", { class: "named", "aria-hidden": "true" }, texts.map((text) => el("li", { dir: "auto" }, text))));
  }

  return { refresh: run };
}
