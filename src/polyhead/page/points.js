// A file of embeddings in two dimensions: colours, a legend that chooses, a lasso with counts and a table, a search.

import { count, el, fill } from "./dom.js";
import { makeMap } from "./map.js";
import "./theme.js";

const data = JSON.parse(document.getElementById("data").textContent);
const SHOWN = 200;
const picker = (id, label, names) => {
  const made = el("select", { id, "aria-label": label }, names.map((each) => el("option", { value: each }, each)));
  return [el("label", { class: "row quiet", for: id, hidden: names.length < 2 }, label, made), made];
};
const [methodLabel, method] = picker("method", "drawn by", Object.keys(data.points));
const [colourLabel, colour] = picker("colour", "coloured by", Object.keys(data.colourings));
const canvas = el("canvas", { id: "points", class: "points tall", role: "img", "aria-label": `${count(data.texts.length)} embeddings in two dimensions; the table has them as text` });
const legend = el("ul", { class: "legend" });
const side = el("div", { class: "card", id: "chosen", "aria-live": "polite" });
const search = el("input", { id: "search", type: "search", placeholder: "Find a word", "aria-label": "Find a word in the texts" });

const group = (number) => { const own = data.colourings[colour.value]; return own ? own.names[own.codes[number]] : ""; };
const toneOf = (code) => (code < 7 ? code : 7);
const map = makeMap(canvas, { onPick: (number) => table([number]), onLasso: table, tip: (number) => [data.texts[number], group(number)].filter(Boolean).join(" · ") });

fill(document.getElementById("main"), el("div", { class: "split wide" },
  el("div", { class: "card" }, el("div", { class: "head" }, el("p", { class: "quiet" }, data.about), el("div", { class: "row" }, methodLabel, colourLabel)), canvas, legend,
    el("p", { class: "quiet" }, "Draw around points to choose them; click one to read it; a name in the legend chooses its points.")),
  el("div", { class: "stack" }, search, side)));

// The chosen points, as a table; null where nothing is chosen: all of them.
function table(numbers) {
  const chosen = numbers ?? [...data.texts.keys()];
  map.mark(numbers);
  const counts = new Map();
  for (const number of chosen) counts.set(group(number), (counts.get(group(number)) ?? 0) + 1);
  const parts = [...counts].sort((one, other) => other[1] - one[1]);
  fill(side, el("div", { class: "head" }, el("h2", {}, numbers ? `${count(numbers.length)} chosen` : `All ${count(chosen.length)} texts`), chosen.length > SHOWN ? el("span", { class: "quiet" }, `the first ${SHOWN}`) : null),
    parts.length && parts[0][0] ? el("p", { class: "quiet", id: "counts" }, parts.slice(0, 10).map(([name, own]) => `${name} ${count(own)}`).join(" · ")) : null,
    el("div", { class: "scroll tall", tabindex: 0 }, el("table", { class: "facts" }, el("tbody", {}, chosen.slice(0, SHOWN).map((number) => el("tr", {}, el("td", { dir: "auto" }, data.texts[number]), el("td", { class: "number" }, group(number))))))));
}

function paint() {
  const own = data.colourings[colour.value];
  map.colour(own ? own.codes.map(toneOf) : data.texts.map(() => 0));
  const sizes = own ? own.codes.reduce((all, code) => { all[code] += 1; return all; }, own.names.map(() => 0)) : [];
  const pick = (fits) => () => table(own.codes.flatMap((code, number) => (fits(code) ? [number] : [])));
  fill(legend, (own?.names ?? []).slice(0, 7).map((name, code) => el("li", { class: `tone${code}` }, el("button", { type: "button", class: "plain", onclick: pick((each) => each === code) }, el("i", { "aria-hidden": "true" }), `${name} ${count(sizes[code])}`))),
    own && own.names.length > 7 ? el("li", { class: "tone7" }, el("button", { type: "button", class: "plain", onclick: pick((each) => each >= 7) }, el("i", { "aria-hidden": "true" }), `${own.names.length - 7} more`)) : null);
  table(null);
}

method.addEventListener("change", () => { map.show(data.points[method.value], []); paint(); });
colour.addEventListener("change", paint);
search.addEventListener("input", () => {
  const wanted = search.value.trim().toLowerCase();
  table(wanted ? data.texts.flatMap((text, number) => (text.toLowerCase().includes(wanted) ? [number] : [])) : null);
});
map.show(data.points[method.value], []);
paint();
