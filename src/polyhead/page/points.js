// A file of embeddings in two dimensions: colours, a legend that chooses, a lasso with counts and a table, a search.
// What is chosen stays so under other colours and other drawings, until another choice is made or all are shown.

import { count, el, fill } from "./dom.js";
import { makeMap } from "./map.js";
import "./theme.js";

const data = JSON.parse(document.getElementById("data").textContent);
const SHOWN = 200;
const LISTED = 1000;
const COLOURS = 7;
const picker = (id, label, names) => {
  const made = el("select", { id, "aria-label": label }, names.map((each) => el("option", { value: each }, each)));
  return [el("label", { class: "row quiet", for: id, hidden: names.length < 2 }, label, made), made];
};
const [methodLabel, method] = picker("method", "drawn by", Object.keys(data.points));
const [colourLabel, colour] = picker("colour", "coloured by", Object.keys(data.colourings));
const canvas = el("canvas", { id: "points", class: "points tall", role: "img", "aria-label": `${count(data.texts.length)} embeddings in two dimensions; the table has them as text` });
const legend = el("ul", { class: "legend" });
const summary = el("summary", {}), list = el("ul", { class: "legend scroll", tabindex: 0 });
const more = el("details", { class: "groups", hidden: true }, summary, list);
const side = el("div", { class: "card", id: "chosen", "aria-live": "polite" });
const wanted = Object.keys(data.colourings).length ? ["Find a word or a group", "Find a word in the texts or in their groups' names"] : ["Find a word", "Find a word in the texts"];
const search = el("input", { id: "search", type: "search", placeholder: wanted[0], "aria-label": wanted[1] });
let chosen = null;  // the numbers of the chosen points; null where nothing is chosen: all of them

const group = (number) => { const own = data.colourings[colour.value]; return own ? own.names[own.codes[number]] : ""; };
const toneOf = (code) => Math.min(code, COLOURS);
const tones = () => data.colourings[colour.value]?.codes.map(toneOf) ?? data.texts.map(() => 0);
const short = (name) => (name.length > 40 ? `${name.slice(0, 39)}…` : name);
const map = makeMap(canvas, { onPick: (number) => choose([number]), onLasso: (numbers) => choose(numbers), tip: (number) => [data.texts[number], group(number)].filter(Boolean).join(" · ") });

fill(document.getElementById("main"), el("div", { class: "split wide" },
  el("div", { class: "card" }, el("div", { class: "head" }, el("p", { class: "quiet" }, data.about), el("div", { class: "row" }, methodLabel, colourLabel)), canvas, legend, more,
    el("p", { class: "quiet" }, "Draw around points to choose them; click one to read it; a name in the legend chooses its points.",
      el("span", { class: "touch" }, " On a touch screen start sideways to draw: up and down moves the page."))),
  el("div", { class: "stack" }, search, side)));

// Other points, or null for all; words that are not what chose them leave the search.
function choose(numbers, words = "") {
  chosen = numbers;
  search.value = words;
  show();
}

// The chosen points, in the map and as a table.
function show() {
  map.mark(chosen);
  const numbers = chosen ?? [...data.texts.keys()];
  const counts = new Map();
  for (const number of numbers) counts.set(group(number), (counts.get(group(number)) ?? 0) + 1);
  const parts = [...counts].sort((one, other) => other[1] - one[1]);
  const named = parts.length > 0 && data.colourings[colour.value] !== undefined;
  const table = el("div", { class: "scroll tall", tabindex: 0 }, el("table", { class: "facts rows" }, el("tbody", {}, numbers.slice(0, SHOWN).map((number) => el("tr", {}, el("td", { dir: "auto" }, data.texts[number]),
    named ? el("td", { class: "group" }, el("span", { class: "clamp", dir: "auto", title: group(number) }, group(number))) : null)))));
  const all = () => { choose(null); side.querySelector(".scroll").focus({ preventScroll: true }); };
  fill(side, el("div", { class: "head" }, el("h2", {}, chosen ? `${count(chosen.length)} chosen` : `All ${count(numbers.length)} texts`), numbers.length > SHOWN ? el("span", { class: "quiet" }, `the first ${SHOWN}`) : null,
    chosen ? el("button", { type: "button", class: "small", id: "all", onclick: all }, "Show all") : null),
    named ? el("p", { class: "quiet", id: "counts" }, parts.slice(0, 10).map(([name, own]) => `${short(name)} ${count(own)}`).join(" · ")) : null, table);
}

// The legend: groups with a colour of their own, and a list of the others.
function paint() {
  const own = data.colourings[colour.value];
  map.colour(tones());
  const sizes = own ? own.codes.reduce((all, code) => { all[code] += 1; return all; }, own.names.map(() => 0)) : [];
  const entry = (said, tone, fits) => el("li", { class: `tone${tone}` }, el("button", { type: "button", class: "plain", onclick: () => choose(own.codes.flatMap((code, number) => (fits(code) ? [number] : []))) }, el("i", { "aria-hidden": "true" }), said));
  const names = (own?.names ?? []).map((name, code) => ({ said: `${name} ${count(sizes[code])}`, code }));
  const entries = (some) => some.map(({ said, code }) => entry(said, toneOf(code), (each) => each === code));
  const coloured = names.length > COLOURS + 1 ? names.slice(0, COLOURS) : names, others = names.slice(coloured.length);
  fill(legend, entries(coloured));
  [more.hidden, more.open] = [!others.length, false];
  fill(summary, el("i", { class: "tone7", "aria-hidden": "true" }), `${count(others.length)} more`);
  fill(list, others.length ? entry(`all ${count(others.length)} together`, COLOURS, (each) => each >= COLOURS) : null, entries(others.slice(0, LISTED)),
    others.length > LISTED ? el("li", {}, `the first ${count(LISTED)}; the search finds the others`) : null);
}

// The numbers of texts with these words, or whose group's name has them.
function find(words) {
  const own = data.colourings[colour.value], has = (text) => text.toLowerCase().includes(words);
  const groups = (own?.names ?? []).map(has);
  return data.texts.flatMap((text, number) => (groups[own?.codes[number]] || has(text) ? [number] : []));
}

method.addEventListener("change", () => { map.show(data.points[method.value], tones()); map.mark(chosen); });
colour.addEventListener("change", () => { paint(); show(); });
search.addEventListener("input", () => {
  const words = search.value.trim().toLowerCase();
  choose(words ? find(words) : null, search.value);
});
map.show(data.points[method.value], tones());
paint();
show();
