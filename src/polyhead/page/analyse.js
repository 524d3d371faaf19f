// Analyse: answers as one types, of one model or of two side by side.

import { analyse, tokens } from "./api.js";
import { cutAt, head, inWords, reading, strip, tokenList, unread } from "./answers.js";
import { count, el, fill, milliseconds } from "./dom.js";
import { timeCard } from "./timing.js";

const SAMPLES = [
  "Alice flew from Lisbon to Oslo last Friday, and loved every minute of it.",
  "The parliament in Berlin rejected the budget on Tuesday.",
  "Siemens presented a battery that charges in four minutes.",
  "The hotel was cold, the staff rude, and the soup came out of a can.",
];
const WAIT = 180;
const IDLE = "Answers come as you type.";
const TOKENISED = 20000;  // characters of a long text whose tokens are shown
const SAID = 8;
const wide = matchMedia("(min-width: 900px)");

export function analyseView(place, state) {
  const input = el("textarea", { id: "text", rows: 4, placeholder: "Type or paste a text", "aria-describedby": "text-note", spellcheck: "false" });
  const second = el("input", { id: "second", placeholder: "A second text, for heads that read two", "aria-label": "Second text" });
  const against = el("select", { id: "against", "aria-label": "Second model" });
  const note = el("p", { class: "quiet", id: "text-note", role: "status" }, IDLE);
  const results = el("div", { class: "stack", id: "results" });
  let timer, running, arranged;

  const samples = el("div", { class: "chips", role: "group", "aria-label": "Samples" }, SAMPLES.map((text) =>
    el("button", { type: "button", class: "chip", onclick: () => { input.value = text; run(); } }, text.length > 44 ? `${text.slice(0, 43)}…` : text)));
  fill(place, el("div", { class: "stack" },
    el("div", { class: "card" },
      el("div", { class: "head" }, el("label", { for: "text" }, el("h2", {}, "A text")), el("span", { class: "row", id: "against-row" }, el("span", { class: "quiet" }, "beside"), against)),
      input, second, samples, note),
    results));
  input.addEventListener("input", later);
  second.addEventListener("input", later);
  against.addEventListener("change", run);
  wide.addEventListener("change", () => arranged?.());

  function later() { clearTimeout(timer); timer = setTimeout(run, WAIT); }

  function refresh() {
    const others = state.models.filter((each) => each !== state.model);
    const before = against.value;
    fill(against, el("option", { value: "" }, "no other model"), others.map((each) => el("option", { value: each }, each)));
    against.value = others.includes(before) ? before : "";
    place.querySelector("#against-row").hidden = others.length === 0;
    second.hidden = !Object.values(state.infos[state.model].heads).some((each) => each.level === "pair");
    run();
  }

  function instead(...content) {
    arranged = null;
    note.textContent = IDLE;
    fill(results, content);
  }

  async function run() {
    clearTimeout(timer);
    running?.abort();
    const text = input.value;
    if (!text.trim()) {
      results.classList.remove("busy");
      instead(el("div", { class: "card empty" }, "Type a text, or take one of the samples: every head answers it, from one pass."));
      return;
    }
    const own = new AbortController();
    running = own;
    const names = [state.model, ...(against.value ? [against.value] : [])];
    results.classList.add("busy");
    try {
      const found = await Promise.all(names.map((name) => answered(name, text, own.signal)));
      const columns = show(text, found);
      const said = found.map(({ name, answer, info }) => words(answer, info) && `${found.length > 1 ? `${name}: ` : ""}${words(answer, info)}`).filter(Boolean).join("; ");
      fill(note, `Answered by ${names.join(" and ")} in ${milliseconds(found[0].seconds.whole)}.`, said && el("span", { class: "sr" }, ` ${said}.`));
      await Promise.all(found.map((each, number) => split(text, each, columns[number].boxes ?? [], number === 0, own.signal)));
    } catch (error) {
      if (error.name === "AbortError") return;
      instead(el("p", { class: "note bad", role: "alert" }, error.message));
    } finally {
      if (!own.signal.aborted) results.classList.remove("busy");
    }
  }

  const words = (answer, info) => Object.entries(info.heads).filter(([name]) => answer[name]).slice(0, SAID).map(([name, each]) => inWords(name, each.kind, answer[name])).join(", ");

  // The tokens, for their card and for where the text was cut; answers stand without them.
  async function split(text, { name, info, answer }, boxes, listed, signal) {
    if (answer.error || !(listed || answer.truncated)) return;
    const part = text.slice(0, TOKENISED).replace(/[\ud800-\udbff]$/, "");
    const card = results.querySelector("#tokens");
    try {
      const found = await tokens(name, part, signal);
      if (listed) tokenList(card, found, info.max_input_length, part.length < text.length ? ` of the first ${count(part.length)} characters` : "");
      const end = answer.truncated ? cutAt(found, info.max_input_length) : null;
      if (end !== null) for (const box of boxes) unread(box, text, end);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      if (listed) fill(card, el("p", { class: "note bad", role: "alert" }, error.message));
    }
  }

  async function answered(name, text, signal) {
    const info = state.infos[name];
    const pair = second.value.trim();
    const given = pair && Object.values(info.heads).some((each) => each.level === "pair") ? { text, text_pair: pair } : text;
    const started = performance.now();
    const body = await analyse(name, [given], undefined, signal);
    const seconds = (performance.now() - started) / 1000;
    return { name, info, given, answer: body.results[0], seconds: { ...body.seconds, whole: seconds } };
  }

  // One model: what it says of the text on the left, its scores on the right; on a phone below, and the tokens last.
  // Two: a column each, the first one's tokens and times below.
  function show(text, found) {
    const columns = found.map((each) => column(text, each, found[0]));
    const [{ notes, marked, scored, embedding }] = columns;
    const whose = found.length > 1 && found[0].name;
    const time = found[0].answer.error ? null : timeCard(found[0], whose);
    const tokens = time && el("div", { class: "card" }, el("div", { class: "head" }, el("h2", {}, whose ? `Tokens of ${whose}` : "Tokens")), el("div", { id: "tokens" }));
    const stack = (...parts) => el("div", { class: "stack" }, parts.flat().filter(Boolean));
    const two = () => [el("div", { class: "split even" }, columns.map((each, place) => stack(el("h2", {}, found[place].name), each.notes, each.marked, each.scored, each.embedding))),
      time && el("div", { class: "split even" }, wide.matches ? [tokens, time] : [time, tokens])];
    const one = () => [notes, wide.matches ? el("div", { class: "split" }, stack(marked, embedding, tokens), stack(scored, time)) : stack(marked, scored, embedding, time, tokens)];
    arranged = () => fill(results, (found.length > 1 ? two() : one()).flat());
    arranged();
    return columns;
  }

  function embeddingCard({ embedding }) {
    return el("div", { class: "card" }, el("div", { class: "head" }, el("h2", {}, "Embedding"), el("span", { class: "quiet" }, `${embedding.length} numbers`)),
      strip(embedding),
      el("details", {}, el("summary", {}, "The numbers"), el("pre", { class: "numbers", tabindex: 0 }, embedding.map((each) => each.toFixed(4)).join("  "))));
  }

  function column(text, { info, answer }, first) {
    if (answer.error) return { notes: [el("p", { class: "note bad", role: "alert" }, answer.error.message)] };
    const own = Object.entries(info.heads).filter(([name]) => answer[name]);
    const tagging = own.filter(([name]) => answer[name].entities);
    const others = own.filter(([name]) => !answer[name].entities);
    const boxes = tagging.map(([name, each]) => reading(text, answer[name], each.labels));
    return {
      boxes,
      notes: [
        answer.truncated && el("p", { class: "note" }, `Only the first ${info.max_input_length} tokens ${second.value.trim() ? "of a text " : ""}were read: the rest has no part in these answers.`),
        own.length === 0 && el("div", { class: "card empty" }, "This model has no heads; its embedding is here."),
      ].filter(Boolean),
      marked: tagging.map(([name], place) => el("div", { class: "card" },
        el("div", { class: "head" }, el("h2", {}, name), el("span", { class: "quiet" }, `${count(answer[name].entities.length)} found`)),
        boxes[place],
        answer[name].cut_words ? el("p", { class: "note" }, `${count(answer[name].cut_words)} words beyond the limit were not read`) : null)),
      scored: others.length ? el("div", { class: "card heads" }, others.map(([name, each]) => head(name, each.kind, answer[name], first.answer[name]))) : null,
      embedding: embeddingCard(answer),
    };
  }

  return { refresh };
}
