// A model's card: the Markdown that such cards are written in, as elements. All else stays the text that it is.

import { el } from "./dom.js";

const TITLE = /^(#{1,6})\s+(.*)$/;
const FENCE = /^\s*(```|~~~)/;
const ROW = /^\s*\|/;
const ITEM = /^\s*([-*+]|\d{1,9}[.)])\s+(.*)$/;
const LINK = /(?<!\\)\[([^[\]]*)(?<!\\)\]\(([^()\s]*)\)/g;
const LEVEL = 2;  // a card's first title stands below the page's and the view's

export function card(markdown) {
  const lines = markdown.split(/\r?\n/);
  const parts = [front(lines)];
  while (lines.length) parts.push(block(lines));
  return el("div", { class: "prose", id: "card", dir: "auto" }, parts);
}

// What stands before the text for machines, folded.
function front(lines) {
  const end = lines[0] === "---" ? lines.indexOf("---", 1) : -1;
  if (end < 0) return null;
  const own = lines.splice(0, end + 1).slice(1, -1);
  return el("details", {}, el("summary", {}, "What it says to machines"), code(own));
}

const code = (lines) => el("pre", { class: "recipe", tabindex: 0, dir: "ltr" }, lines.join("\n"));

// The next block, taken from the lines.
function block(lines) {
  if (!lines[0].trim()) { lines.shift(); return null; }
  const [, marks, title] = TITLE.exec(lines[0]) ?? [];
  if (marks) { lines.shift(); return el(`h${Math.min(6, marks.length + LEVEL)}`, {}, inline(title)); }
  if (FENCE.test(lines[0])) return fenced(lines);
  if (ROW.test(lines[0])) return table(taken(lines, (line) => ROW.test(line)));
  if (ITEM.test(lines[0])) return list(taken(lines, (line) => line.trim() && !begins(line, ITEM)));
  return el("p", {}, inline(taken(lines, (line) => line.trim() && !begins(line)).join(" ")));
}

const begins = (line, but) => [TITLE, FENCE, ROW, ITEM].some((each) => each !== but && each.test(line));

// The first line, and those after it that belong to it.
function taken(lines, belongs) {
  const end = lines.findIndex((line, place) => place > 0 && !belongs(line));
  return lines.splice(0, end < 0 ? lines.length : end);
}

function fenced(lines) {
  const [, fence] = FENCE.exec(lines.shift());
  const end = lines.findIndex((line) => line.trim().startsWith(fence));
  const own = lines.splice(0, end < 0 ? lines.length : end);
  lines.shift();
  return code(own);
}

function list(lines) {
  const items = [];
  for (const line of lines) {
    const [, , text] = ITEM.exec(line) ?? [];
    if (text === undefined) items[items.length - 1] += ` ${line.trim()}`;
    else items.push(text);
  }
  const [, mark] = ITEM.exec(lines[0]);
  const number = parseInt(mark, 10);
  return el(Number.isNaN(number) ? "ul" : "ol", { start: Number.isNaN(number) ? null : number }, items.map((each) => el("li", {}, inline(each))));
}

function table(lines) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((each) => each.trim().replaceAll("\\|", "|"));
  const [head, ...rest] = lines.filter((line) => !/^[\s|:-]+$/.test(line)).map(cells);
  if (!head) return null;
  return el("div", { class: "wide", tabindex: 0 }, el("table", { class: "facts" },
    el("thead", {}, el("tr", {}, head.map((each) => el(each ? "th" : "td", { scope: each ? "col" : null }, inline(each))))),
    el("tbody", {}, rest.map((row) => el("tr", {}, row.map((each) => el("td", {}, inline(each))))))));
}

// Text with code in it; links are text with their address, and what a backslash keeps from being a mark stands alone.
function inline(text) {
  const parts = text.split(/(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)/);
  return parts.map((part, place) => [plain(part), null, el("code", {}, part.trim())][place % 3]);
}

const plain = (text) => text.replace(LINK, "$1 ($2)").replace(/\\([!-/:-@[-`{-~])/g, "$1");
