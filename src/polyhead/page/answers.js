// One text's answers as elements: a bar set, a number, marked entities, the embedding, the tokens.

import { el, fill, percent, svg } from "./dom.js";

const BEST = 8;
const TALL = 800;  // characters of a text that scrolls in its place
const LONG = 14;  // letters that a label may have to stand beside its bar

const wide = (label) => Array.from(label).reduce((sum, each) => sum + (each > "\u2e7f" ? 2 : 1), 0) > LONG;

function bars(scores, chosen) {
  const list = (part) => el("ul", { class: part.some((each) => wide(each.label)) ? "bars long" : "bars" }, part.map((each) =>
    el("li", { class: chosen.includes(each.label) ? "best" : "" },
      el("span", { dir: "auto" }, each.label),
      el("span", { class: "track", "aria-hidden": "true" }, el("i", { vars: { "--share": `${100 * each.score}%` } })),
      el("span", {}, percent(each.score)))));
  const shown = scores.length > BEST + 1 ? BEST : scores.length;
  return [list(scores.slice(0, shown)), shown < scores.length && el("details", {}, el("summary", {}, `${scores.length - shown} more`), list(scores.slice(shown)))];
}

const chosenOf = (kind, answer) => (kind === "multilabel" ? answer.labels : [answer.label]);

// Scores in the order of another model's, so that bars of two stand side by side.
function ordered(scores, other) {
  const place = new Map((other ?? []).map((each, number) => [each.label, number]));
  return [...scores].sort((one, two) => (place.get(one.label) ?? place.size) - (place.get(two.label) ?? place.size));
}

export function head(name, kind, answer, beside) {
  const title = (label) => el("div", { class: "row between" }, el("h3", {}, name), el("span", { class: "label", dir: "auto" }, label));
  if (answer.scores) {
    const chosen = chosenOf(kind, answer);
    return el("div", {}, title(chosen.join(", ") || "none"), bars(ordered(answer.scores, beside?.scores), chosen));
  }
  if (answer.value !== undefined) return el("div", {}, el("h3", {}, name), el("div", { class: "value" }, answer.value.toFixed(2)));
  if (answer.score !== undefined) return el("div", {}, el("h3", {}, name), el("div", { class: "value" }, answer.score.toFixed(3)));
  return null;
}

// An answer in a few words, for those who hear the page.
export function inWords(name, kind, answer) {
  if (answer.entities) return `${answer.entities.length} ${name}`;
  if (answer.scores) return `${name} ${chosenOf(kind, answer).join(", ") || "none"}${kind === "multilabel" ? "" : ` ${percent(answer.score)}`}`;
  return `${name} ${(answer.value ?? answer.score).toFixed(2)}`;
}

// Characters as Python counts them: code points, not UTF-16 units.
export function reading(text, answer, types) {
  const characters = Array.from(text);
  const part = (start, end) => characters.slice(start, end).join("");
  const parts = [];
  let place = 0;
  for (const each of answer.entities) {
    parts.push(part(place, each.start));
    const tone = types.indexOf(each.entity_group) % 8;
    parts.push(el("mark", { class: `tone${Math.max(0, tone)}`, tabindex: 0, "data-tip": `${each.entity_group}, ${percent(each.score)}`,
      "aria-label": `${each.word}: ${each.entity_group}, ${percent(each.score)}` }, each.word, el("small", { "aria-hidden": "true" }, each.entity_group)));
    place = each.end;
  }
  parts.push(part(place));
  const tall = characters.length > TALL;
  return el("div", { class: tall ? "reading tall" : "reading", dir: "auto", tabindex: tall ? 0 : null, role: tall ? "group" : null, "aria-label": tall ? "The text, marked" : null }, parts);
}

export function strip(embedding) {
  const most = Math.max(...embedding.map(Math.abs)) || 1;
  const drawn = svg("svg", { class: "strip", viewBox: `0 0 ${embedding.length} 46`, preserveAspectRatio: "none", role: "img",
    "aria-label": `The embedding's ${embedding.length} numbers as colours` });
  embedding.forEach((value, place) => {
    const column = svg("rect", { x: place, y: 0, width: 1.02, height: 46 });
    column.style.fill = `color-mix(in srgb, var(${value < 0 ? "--low" : "--high"}) ${Math.round((100 * Math.abs(value)) / most)}%, var(--fill))`;
    drawn.append(column);
  });
  return drawn;
}

// The part of a text beyond `end`: dimmed, after a note that it was not read.
export function unread(box, text, end) {
  const rest = Array.from(text).slice(end).join("");
  const tail = box.lastChild;
  if (!rest.trim() || !tail.data?.endsWith(rest)) return;
  tail.data = tail.data.slice(0, -rest.length);
  box.append(el("small", { class: "cut" }, "not read from here"), el("span", { class: "unread" }, rest));
}

// Which tokens are read: special ones at the end stay when a text is cut, as the limit counts them.
function reads(found, limit) {
  const ending = found.length > limit && found.at(-1)?.special ? 1 : 0;
  return (index) => found.length <= limit || index < limit - ending || (ending && index === found.length - 1);
}

// Where a text was cut, in characters; null where it was not.
export function cutAt(found, limit) {
  const read = reads(found, limit);
  return found.length > limit ? found.filter((each, index) => read(index) && !each.special).at(-1)?.stop ?? 0 : null;
}

export function tokenList(place, found, limit, more = "") {
  const read = reads(found, limit);
  const shown = found.slice(0, 600);
  fill(place,
    el("p", { class: "quiet" }, `${found.length} tokens${more}, ${Math.min(found.length, limit)} read (attention mask 1)`),
    el("ul", { class: "tokens", tabindex: 0, "aria-label": "Tokens with their attention mask" }, shown.map((each, index) =>
      el("li", { class: !read(index) ? "cut" : each.special ? "special" : "", title: `id ${each.id}` }, each.text, el("sub", {}, read(index) ? "1" : "0")))),
    found.length > shown.length ? el("p", { class: "quiet" }, `… and ${found.length - shown.length} more`) : null);
}
