// One text's answers as elements: a bar set, a number, marked entities, the embedding, the tokens.

import { el, fill, percent, svg } from "./dom.js";

export function bars(scores, chosen) {
  return el("ul", { class: "bars" }, scores.map((each) =>
    el("li", { class: chosen.includes(each.label) ? "best" : "" },
      el("span", { title: each.label }, each.label),
      el("span", { class: "track", "aria-hidden": "true" }, el("i", { vars: { "--share": `${100 * each.score}%` } })),
      el("span", {}, percent(each.score)))));
}

export function head(name, kind, answer) {
  const title = (label) => el("div", { class: "row between" }, el("h3", {}, name), el("span", { class: "label" }, label));
  if (answer.scores) {
    const chosen = kind === "multilabel" ? answer.labels : [answer.label];
    return el("div", {}, title(chosen.join(", ") || "none"), bars(answer.scores, chosen));
  }
  if (answer.value !== undefined) return el("div", {}, el("h3", {}, name), el("div", { class: "value" }, answer.value.toFixed(2)));
  if (answer.score !== undefined) return el("div", {}, el("h3", {}, name), el("div", { class: "value" }, answer.score.toFixed(3)));
  return null;
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
  return el("div", { class: "reading", dir: "auto" }, parts);
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

export function tokenList(place, found, limit) {
  // Special ones at the end stay when a text is cut: the limit counts them.
  const ending = found.length > limit && found.at(-1)?.special ? 1 : 0;
  const read = (index) => found.length <= limit || index < limit - ending || (ending && index === found.length - 1);
  const shown = found.slice(0, 600);
  fill(place,
    el("p", { class: "quiet" }, `${found.length} tokens, ${Math.min(found.length, limit)} read (attention mask 1)`),
    el("ul", { class: "tokens", "aria-label": "Tokens with their attention mask" }, shown.map((each, index) =>
      el("li", { class: !read(index) ? "cut" : each.special ? "special" : "", title: `id ${each.id}` }, each.text, el("sub", {}, read(index) ? "1" : "0")))),
    found.length > shown.length ? el("p", { class: "quiet" }, `… and ${found.length - shown.length} more`) : null);
}
