// Analyse: answers as one types, of one model or of two side by side.

import { analyse, hasKey, tokens } from "./api.js";
import { head, reading, strip, tokenList } from "./answers.js";
import { copy, el, fill, milliseconds } from "./dom.js";

const SAMPLES = [
  "Alice flew from Lisbon to Oslo last Friday, and loved every minute of it.",
  "The parliament in Berlin rejected the budget on Tuesday.",
  "Siemens presented a battery that charges in four minutes.",
  "The hotel was cold, the staff rude, and the soup came out of a can.",
];
const WAIT = 180;

export function analyseView(place, state) {
  const input = el("textarea", { id: "text", rows: 4, placeholder: "Type or paste a text", "aria-describedby": "text-note", spellcheck: "false" });
  const second = el("input", { id: "second", placeholder: "A second text, for heads that read two", "aria-label": "Second text" });
  const against = el("select", { id: "against", "aria-label": "Second model" });
  const note = el("p", { class: "quiet", id: "text-note", role: "status" }, "Answers come as you type.");
  const results = el("div", { class: "stack", id: "results" });
  let timer, running;

  const samples = el("div", { class: "chips", "aria-label": "Samples" }, SAMPLES.map((text) =>
    el("button", { type: "button", class: "chip", onclick: () => { input.value = text; run(); } }, text.length > 44 ? `${text.slice(0, 43)}…` : text)));
  fill(place, el("div", { class: "stack" },
    el("div", { class: "card" },
      el("div", { class: "head" }, el("label", { for: "text" }, el("h2", {}, "A text")), el("span", { class: "row", id: "against-row" }, el("span", { class: "quiet" }, "beside"), against)),
      input, second, samples, note),
    results));
  input.addEventListener("input", later);
  second.addEventListener("input", later);
  against.addEventListener("change", run);

  function later() { clearTimeout(timer); timer = setTimeout(run, WAIT); }

  function refresh() {
    const others = state.models.filter((each) => each !== state.model);
    fill(against, el("option", { value: "" }, "no other model"), others.map((each) => el("option", { value: each }, each)));
    place.querySelector("#against-row").hidden = others.length === 0;
    second.hidden = !Object.values(state.infos[state.model].heads).some((each) => each.level === "pair");
    run();
  }

  async function run() {
    clearTimeout(timer);
    running?.abort();
    const text = input.value;
    if (!text.trim()) {
      results.classList.remove("busy");
      fill(results, el("div", { class: "card empty" }, "Type a text, or take one of the samples: every head answers it, from one pass."));
      return;
    }
    const own = new AbortController();
    running = own;
    const names = [state.model, ...(against.value ? [against.value] : [])];
    results.classList.add("busy");
    try {
      const asked = names.map((name) => answered(name, text, own.signal));
      const found = await Promise.all(asked);
      show(text, found);
      note.textContent = `Answered by ${names.join(" and ")} in ${milliseconds(found[0].seconds.whole)}.`;
      if (found[0].answer.error) return;
      tokenList(results.querySelector("#tokens"), await tokens(state.model, text, own.signal), state.infos[state.model].max_input_length);
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(results, el("p", { class: "note bad", role: "alert" }, error.message));
    } finally {
      if (!own.signal.aborted) results.classList.remove("busy");
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

  // One model: what it says of the text on the left, its scores on the right. Two: a column each, the first one's tokens and times below.
  function show(text, found) {
    const columns = found.map((each) => column(text, each));
    const { time, tokens } = found[0].answer.error ? {} : rest(found[0]);
    if (found.length === 1) {
      const [{ notes, marked, scored, embedding }] = columns;
      fill(results, notes, el("div", { class: "split" }, el("div", { class: "stack" }, marked, embedding, tokens), el("div", { class: "stack" }, scored, time)));
    } else {
      fill(results, el("div", { class: "split even" }, columns.map(({ notes, marked, scored, embedding }, place) => el("div", { class: "stack" }, el("h2", {}, found[place].name), notes, marked, scored, embedding))),
        time && el("div", { class: "split" }, tokens, time));
    }
  }

  function embeddingCard({ embedding }) {
    return el("div", { class: "card" }, el("div", { class: "head" }, el("h2", {}, "Embedding"), el("span", { class: "quiet" }, `${embedding.length} numbers`)),
      strip(embedding),
      el("details", {}, el("summary", {}, "The numbers"), el("pre", { class: "numbers", tabindex: 0 }, embedding.map((each) => each.toFixed(4)).join("  "))));
  }

  function rest({ answer, seconds, name, given }) {
    return {
      time: el("div", { class: "card" }, el("div", { class: "head" }, el("h2", {}, "Time"), el("span", { class: "quiet" }, `${milliseconds(seconds.whole)} in all`)), times(seconds), copies(name, given, answer)),
      tokens: el("div", { class: "card" }, el("div", { class: "head" }, el("h2", {}, "Tokens")), el("div", { id: "tokens" })),
    };
  }

  function column(text, { info, answer }) {
    if (answer.error) return { notes: [el("p", { class: "note bad", role: "alert" }, answer.error.message)] };
    const own = Object.entries(info.heads).filter(([name]) => answer[name]);
    const tagging = own.filter(([name]) => answer[name].entities);
    const others = own.filter(([name]) => !answer[name].entities);
    return {
      notes: [
        answer.truncated && el("p", { class: "note" }, `Only the first ${info.max_input_length} tokens ${second.value.trim() ? "of a text " : ""}were read: the rest has no part in these answers.`),
        own.length === 0 && el("div", { class: "card empty" }, "This model has no heads; its embedding is here."),
      ].filter(Boolean),
      marked: tagging.map(([name, each]) => el("div", { class: "card" },
        el("div", { class: "head" }, el("h2", {}, name), el("span", { class: "quiet" }, `${answer[name].entities.length} found`)),
        reading(text, answer[name], each.labels),
        answer[name].cut_words ? el("p", { class: "note" }, `${answer[name].cut_words} words beyond the limit were not read`) : null)),
      scored: others.length ? el("div", { class: "card heads" }, others.map(([name, each]) => head(name, each.kind, answer[name]))) : null,
      embedding: embeddingCard(answer),
    };
  }

  function times(seconds) {
    const remembered = seconds.tokenize + seconds.inference === 0;
    const network = Math.max(0, seconds.whole - seconds.tokenize - seconds.queue - seconds.inference);
    const parts = [["tokenise", seconds.tokenize], ["queue", seconds.queue], ["model", seconds.inference], ["network and page", network]];
    return el("div", {}, el("div", { class: "times", "aria-hidden": "true" }, parts.map(([, own], tone) => el("i", { class: `tone${tone}`, vars: { "--share": Math.max(own, 1e-6) / seconds.whole } }))),
      el("ul", { class: "legend" }, parts.map(([name, own], tone) => el("li", { class: `tone${tone}` }, el("i", { "aria-hidden": "true" }), `${name} ${milliseconds(own)}`))),
      remembered ? el("p", { class: "quiet" }, "The server remembered this answer.") : null);
  }

  function copies(name, given, answer) {
    const asked = { model: name, inputs: [given], overflow: "truncate" };
    const body = JSON.stringify(asked);
    const texts = {
      curl: `curl ${location.origin}/v1/analyze -H 'Content-Type: application/json'${hasKey() ? ` -H "Authorization: Bearer $POLYHEAD_API_KEY"` : ""} -d '${body.replaceAll("'", "'\\''")}'`,
      Python: `import ${hasKey() ? "os\n\nimport " : ""}requests\n\nanswer = requests.post(${JSON.stringify(`${location.origin}/v1/analyze`)}, json=${JSON.stringify(asked)}${hasKey() ? `, headers={"Authorization": f"Bearer {os.environ['POLYHEAD_API_KEY']}"}` : ""})\nprint(answer.json()["results"][0])\n`,
      JSON: JSON.stringify(answer, null, 2),
    };
    return el("div", { class: "chips" }, Object.entries(texts).map(([what, content]) =>
      el("button", { type: "button", class: "small", "data-copy": what, onclick: (event) => copy(content, event.currentTarget) }, `Copy as ${what}`)));
  }

  return { refresh };
}
